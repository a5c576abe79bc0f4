//! The same kubectl scenarios on a real API server and on the one in memory: every command must print the same, once
//! what no two servers share (identities, times, versions) is replaced by its name.
//!
//! The scenarios are the files of `kubectl/`: `== title`, then commands, each `$ arguments` with what follows it as
//! standard input. `$ NAME=value arguments` sets a variable for kubectl. `~ arguments` is asked until the real server
//! says what the one in memory said at once. `& COUNT arguments` runs beside the commands after it, from when its first
//! line has come until it has printed COUNT lines. `${namespace}` is the scenario's own namespace and, in input,
//! `${uid:kind/name}` the uid of an object.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may panic, and tells its score"
)]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use portolan_tests::{Cluster, ClusterOptions, MemoryServer};
use regex_lite::Regex;

/// So long the real server may take to come to say what the other says.
const PATIENCE: Duration = Duration::from_secs(90);
/// How many scenarios are played at once: kubectl is mostly waiting for its own start.
const AT_ONCE: usize = 3;

const PLAIN: [&str; 6] = [
    include_str!("kubectl/get.txt"),
    include_str!("kubectl/write.txt"),
    include_str!("kubectl/patch.txt"),
    include_str!("kubectl/apply.txt"),
    include_str!("kubectl/custom.txt"),
    include_str!("kubectl/errors.txt"),
];

#[test]
fn kubectl_sees_no_difference() {
    let real = Cluster::start(&ClusterOptions::default()).unwrap();
    play(&real, &PLAIN.concat());
}

#[test]
fn kubectl_sees_no_difference_in_what_controllers_do() {
    let options = ClusterOptions { controller_manager: true, ..ClusterOptions::default() };
    let real = Cluster::start(&options).unwrap();
    play(&real, include_str!("kubectl/controllers.txt"));
}

fn play(real: &Cluster, text: &str) {
    let memory = MemoryServer::start().unwrap();
    let scenarios = read(text);
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let at = format!("s{}", scenario.number);
                    let ours = Player::of_memory(real, &memory, &at);
                    let theirs = Player::of_real(real, &at);
                    if let Err(difference) = scenario.play(&theirs, &ours) {
                        failures.lock().unwrap().push(format!("== {}\n{difference}", scenario.title));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    let all = scenarios.len();
    println!("{} of {all} kubectl scenarios print the same on both servers", all - failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

struct Scenario<'a> {
    number: usize,
    title: &'a str,
    steps: Vec<Step<'a>>,
}

struct Step<'a> {
    way: char,
    line: &'a str,
    input: String,
}

fn read(text: &str) -> Vec<Scenario<'_>> {
    let mut scenarios: Vec<Scenario<'_>> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("== ") {
            scenarios.push(Scenario { number: scenarios.len(), title, steps: Vec::new() });
            continue;
        }
        let scenario = scenarios.last_mut().unwrap();
        match line.split_at_checked(2) {
            Some((way @ ("$ " | "~ " | "& "), line)) => {
                let way = way.chars().next().unwrap();
                scenario.steps.push(Step { way, line, input: String::new() });
            }
            _ => {
                let Some(step) = scenario.steps.last_mut() else { continue };
                step.input.push_str(line);
                step.input.push('\n');
            }
        }
    }
    scenarios
}

impl Scenario<'_> {
    /// Plays it on both, and says where the two differ.
    fn play(&self, theirs: &Player, ours: &Player) -> Result<(), String> {
        for player in [theirs, ours] {
            player.run("create namespace ${namespace}", "");
        }
        let mut beside: Vec<(&str, Beside, Beside)> = Vec::new();
        for step in &self.steps {
            if step.way == '&' {
                let (count, line) = step.line.split_once(' ').unwrap();
                let count = count.parse().unwrap();
                beside.push((line, theirs.watch(line, count), ours.watch(line, count)));
                continue;
            }
            let said = ours.run(step.line, &step.input);
            let mut wanted = theirs.run(step.line, &step.input);
            let deadline = Instant::now() + PATIENCE;
            while step.way == '~' && wanted != said && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(200));
                wanted = theirs.run(step.line, &step.input);
            }
            compare(step.line, &wanted, &said)?;
        }
        for (line, wanted, said) in beside {
            compare(line, &theirs.shown(&wanted.end()?), &ours.shown(&said.end()?))?;
        }
        Ok(())
    }
}

fn compare(line: &str, wanted: &str, said: &str) -> Result<(), String> {
    if wanted == said {
        return Ok(());
    }
    Err(format!("kubectl {line}\n--- real\n{wanted}\n--- memory\n{said}"))
}

/// kubectl on one server, in a namespace of one scenario.
struct Player<'a> {
    program: &'a Cluster,
    arguments: Vec<String>,
    namespace: String,
    home: tempfile::TempDir,
}

/// A kubectl that runs beside others.
struct Beside {
    process: Child,
    lines: mpsc::Receiver<String>,
    count: usize,
    so_far: Vec<String>,
}

impl<'a> Player<'a> {
    fn of_real(real: &'a Cluster, namespace: &str) -> Self {
        let kubeconfig = format!("--kubeconfig={}", real.facts().kubeconfig.display());
        Self::new(real, vec![kubeconfig], namespace)
    }

    fn of_memory(real: &'a Cluster, memory: &MemoryServer, namespace: &str) -> Self {
        Self::new(
            real,
            vec![format!("--server={}", memory.url()), "--kubeconfig=/dev/null".into()],
            namespace,
        )
    }

    fn new(program: &'a Cluster, arguments: Vec<String>, namespace: &str) -> Self {
        Self { program, arguments, namespace: namespace.to_owned(), home: tempfile::tempdir().unwrap() }
    }

    fn command(&self, line: &str) -> Command {
        let line = line.replace("${namespace}", &self.namespace);
        let words = shlex::split(&line).unwrap_or_else(|| panic!("quotes of {line}"));
        let is_setting = |word: &&String| {
            word.split_once('=')
                .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        };
        let settings: Vec<_> = words.iter().take_while(is_setting).collect();
        let mut command = Command::new(&self.program.facts().kubectl);
        command
            .env("HOME", self.home.path())
            .env("TZ", "UTC")
            .envs(settings.iter().filter_map(|word| word.split_once('=')))
            .args(&self.arguments)
            .arg(format!("--namespace={}", self.namespace))
            .args(words.iter().skip(settings.len()))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// All that the command prints, and how it ended.
    fn run(&self, line: &str, input: &str) -> String {
        let input = self.filled(input);
        let mut process = self.command(line).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = process.stdin.take().unwrap();
        // A command that reads nothing may be gone already.
        drop(stdin.write_all(input.as_bytes()));
        drop(stdin);
        let output = process.wait_with_output().unwrap();
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            write!(said, "({})", output.status).unwrap();
        }
        self.shown(&said)
    }

    fn watch(&self, line: &str, count: usize) -> Beside {
        let mut process = self.command(line).stdin(Stdio::null()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let output = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut beside = Beside { process, lines, count, so_far: Vec::new() };
        beside.next().unwrap();
        beside
    }

    /// With the uids that the input asks for.
    fn filled(&self, input: &str) -> String {
        let wanted = Regex::new(r"\$\{uid:([^}]*)\}").unwrap();
        let mut filled = input.replace("${namespace}", &self.namespace);
        while let Some(found) = wanted.captures(&filled) {
            let (whole, object) = (found[0].to_owned(), found[1].to_owned());
            let output = self.command(&format!("get {object} --output=jsonpath={{.metadata.uid}}")).output();
            filled = filled.replace(&whole, &String::from_utf8(output.unwrap().stdout).unwrap());
        }
        filled
    }

    /// What was printed, with names in place of what is a server's own.
    fn shown(&self, said: &str) -> String {
        let json: Result<serde_json::Value, _> = serde_json::from_str(said);
        let mut shown = json.map_or(said.to_owned(), |json| format!("{json:#}"));
        for (pattern, name) in [
            (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
            (r"\d\d:\d\d:\d\d\.\d+ \+0000", "TIME"),
            (r#"resourceVersion"?: ?"\d+""#, "resourceVersion: VERSION"),
            (r"https?://127\.0\.0\.1:\d+", "SERVER"),
            (r"(LIVE|MERGED)-\d+", "$1"),
            (r"/tmp/[^ ]*", "FILE"),
            // Ages, with the blanks that the width of their column gives them.
            (r"(?m)(^| )(\d+m)?\d+s *(\b|$)", "$1AGE "),
        ] {
            shown = Regex::new(pattern).unwrap().replace_all(&shown, name).into_owned();
        }
        shown
    }
}

impl Beside {
    fn next(&mut self) -> Result<(), String> {
        let line = self.lines.recv_timeout(PATIENCE).map_err(|_| {
            format!("a command beside the others printed only {}: {:?}", self.so_far.len(), self.so_far)
        })?;
        self.so_far.push(line);
        Ok(())
    }

    fn end(mut self) -> Result<String, String> {
        while self.so_far.len() < self.count {
            self.next()?;
        }
        Ok(self.so_far.join("\n"))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
