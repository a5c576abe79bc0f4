//! Running a program that may hang: its output is passed on line by line, and after a while it is killed with all that it
//! has started. Invariant: this returns soon after the limit, whoever still holds the output open.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::process::{output, shown};

/// How a program ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself.
    Itself { success: bool },
    /// It had not ended at the limit.
    Killed,
}

/// Runs `program` for `limit` at most, and shows each line of its output and gives it to `read`.
///
/// # Errors
/// When it cannot be started.
pub(super) fn follow(program: &mut Command, limit: Duration, mut read: impl FnMut(&str)) -> Result<Ended> {
    let deadline = Instant::now() + limit;
    let mut child =
        program.stdout(Stdio::piped()).spawn().with_context(|| format!("starting {}", shown(program)))?;
    let text = child.stdout.take().context("a program's output")?;
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(text).split(b'\n').map_while(Result::ok);
        lines.map(|line| sender.send(line)).take_while(Result::is_ok).for_each(drop);
    });
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                let line = String::from_utf8_lossy(&line);
                println!("{line}");
                read(&line);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => return kill(&mut child),
        }
    }
    // It has closed its output, so it is about to end.
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended::Itself { success: status.success() });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    kill(&mut child)
}

/// Kills it and its descendants. They stay in our process group while they run, so that Ctrl-C ends them too.
fn kill(child: &mut Child) -> Result<Ended> {
    let processes = output(Command::new("ps").args(["-A", "-o", "pid=,ppid="]))?;
    for descendant in descendants(&processes, child.id()) {
        // One that has ended meanwhile is no failure.
        drop(Command::new("kill").args(["-KILL", &descendant.to_string()]).status());
    }
    child.kill()?;
    child.wait()?;
    Ok(Ended::Killed)
}

/// The descendants of a process, in lines of a process's id and its parent's.
fn descendants(processes: &str, ancestor: u32) -> Vec<u32> {
    let pairs: Vec<(u32, u32)> = processes
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map_while(|word| word.parse().ok());
            Some((numbers.next()?, numbers.next()?))
        })
        .collect();
    let mut found = vec![ancestor];
    let mut place = 0;
    while let Some(parent) = found.get(place).copied() {
        found.extend(pairs.iter().filter(|(_, of)| *of == parent).map(|(process, _)| process));
        place += 1;
    }
    found.split_off(1)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_a_program_says_is_read_and_how_it_ends_is_told() {
        let (mut said, hour) = (Vec::new(), Duration::from_secs(3600));
        let mut read = |line: &str| said.push(line.to_owned());
        let ended = follow(&mut shell("echo one; printf two"), hour, &mut read).unwrap();
        assert_eq!(ended, Ended::Itself { success: true });
        assert_eq!(follow(&mut shell("exit 3"), hour, &mut read).unwrap(), Ended::Itself { success: false });
        assert_eq!(said, ["one", "two"]);
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_its_children() {
        let (mut held, hold) = std::io::pipe().unwrap();
        let mut program = shell("(sleep 1200; true) & wait");
        program.stderr(hold);
        let started = Instant::now();
        assert_eq!(follow(&mut program, Duration::from_secs(1), |_| ()).unwrap(), Ended::Killed);
        // It ends once nobody holds the other side any more: not the children either.
        drop(program);
        held.read_to_end(&mut Vec::new()).unwrap();
        assert!(started.elapsed() < Duration::from_secs(600), "a child went on");
    }

    #[test]
    fn descendants_are_found_at_any_depth() {
        assert_eq!(descendants("    1     0\n    7     1\n   12     7\n   9  1\n  30 12\n", 7), [12, 30]);
        assert!(descendants("1 0\n7 1", 7).is_empty());
    }
}
