//! Scenarios as they are written: `scenarios/scripted/*.scenario`, and in the same form those of `scenarios/real/`, where
//! steps write to a real server and spoil the line to it.
//!
//! ```text
//! == a name
//! from file_of_client_go_test.go TestSomething
//! informer typed list resync=1000 transform namespace=n labels=x fields=metadata.name=a
//! departs why (only where the traces differ on purpose)
//! handler main [resync=MS]   add a handler
//! remove main                remove it
//! run / stop                 start or end the informer
//! ask [MS]                   wait for a request; it must come MS after the step before it, or later
//! reply stream               open the watch that was asked for
//! reply list 10 [continue=T] a@5 n/b#uid@6{label}
//! reply status 410 Expired [retry-after=S] [cause=C]
//! reply html 500 / reply nothing
//! + a@5  ~ a@6  - a@7        ADDED, MODIFIED, DELETED on the open watch; of another kind as `+Secret a@5`
//! b 9    e 9                 a bookmark, the bookmark that ends the initial events
//! ! 410 Expired              an ERROR event
//! raw TEXT                   bytes as they are
//! close / cut                end the body, break it
//! down / up                  the server is gone, it is back
//! sleep MS
//! saw LINE [xN]              wait for a line of the trace
//! synced NAME                wait until the handler has synced
//! check NAME                 look at the store
//! ```
//!
//! A step behind `client-go:` or `portolan:` is played to that one only.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::player::InformerOptions;

/// One scenario.
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// Where in client-go's tests the situation is from.
    pub(crate) origin: String,
    pub(crate) options: InformerOptions,
    /// Why the traces differ, if they do on purpose.
    pub(crate) departs: Option<String>,
    pub(crate) steps: Vec<Step>,
}

/// One step, and whom it is for.
pub(crate) struct Step {
    pub(crate) whom: Option<&'static str>,
    /// The step as it is written.
    pub(crate) text: String,
}

/// Every scenario of a folder of `scenarios/`, in the order of files and lines.
pub(crate) fn all(folder: &str) -> Result<Vec<Scenario>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(folder);
    let mut files: Vec<_> =
        std::fs::read_dir(&folder)?.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
    files.sort();
    read(&files)
}

/// Every scenario of these files.
pub(crate) fn read(files: &[PathBuf]) -> Result<Vec<Scenario>> {
    let mut scenarios = Vec::<Scenario>::new();
    for file in files {
        let text = std::fs::read_to_string(file)?;
        for (number, line) in text.lines().enumerate() {
            let place = || format!("{}:{}: {line}", file.display(), number + 1);
            take(line.trim(), &mut scenarios).with_context(place)?;
        }
    }
    for (place, scenario) in scenarios.iter().enumerate() {
        if scenarios[..place].iter().any(|other| other.name == scenario.name) {
            bail!("two scenarios are named {:?}", scenario.name);
        }
        if scenario.origin.is_empty() || !scenario.steps.iter().any(|step| step.text.starts_with("check")) {
            bail!("{:?} names no origin, or never checks how things stand", scenario.name);
        }
    }
    Ok(scenarios)
}

fn take(line: &str, scenarios: &mut Vec<Scenario>) -> Result<()> {
    if line.is_empty() || line.starts_with('#') {
        return Ok(());
    }
    if let Some(name) = line.strip_prefix("== ") {
        let (origin, options) = (String::new(), InformerOptions::default());
        scenarios.push(Scenario { name: name.to_owned(), origin, options, departs: None, steps: Vec::new() });
        return Ok(());
    }
    let scenario = scenarios.last_mut().context("a file begins with `== name`")?;
    match line.split_once(' ').unwrap_or((line, "")) {
        ("from", origin) => scenario.origin = origin.to_owned(),
        ("departs", reason) => scenario.departs = Some(reason.to_owned()),
        ("informer", words) => scenario.options = options(words)?,
        ("client-go:", text) => scenario.steps.push(Step { whom: Some("client-go"), text: text.to_owned() }),
        ("portolan:", text) => scenario.steps.push(Step { whom: Some("portolan"), text: text.to_owned() }),
        _ => scenario.steps.push(Step { whom: None, text: line.to_owned() }),
    }
    Ok(())
}

fn options(words: &str) -> Result<InformerOptions> {
    let mut options = InformerOptions::default();
    for word in words.split_whitespace() {
        match word.split_once('=').unwrap_or((word, "")) {
            (form @ ("typed" | "lazy" | "dynamic" | "metadata"), "") => form.clone_into(&mut options.form),
            ("list", "") => options.watch_list = false,
            ("transform", "") => options.transform = true,
            ("resync", period) => options.resync_ms = period.parse()?,
            ("namespace", namespace) => namespace.clone_into(&mut options.namespace),
            ("labels", selector) => selector.clone_into(&mut options.label_selector),
            ("fields", selector) => selector.clone_into(&mut options.field_selector),
            _ => bail!("no option of an informer: {word}"),
        }
    }
    Ok(options)
}
