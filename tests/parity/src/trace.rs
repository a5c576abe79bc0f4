//! What one player did and was told, line by line.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, bail};
use tokio::sync::Notify;

/// A trace that grows. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Trace {
    lines: Arc<Mutex<Vec<String>>>,
    grown: Arc<Notify>,
}

impl Trace {
    pub(crate) fn tell(&self, line: String) {
        self.lines().push(line);
        self.grown.notify_waiters();
    }

    /// Waits until `line` stands in it `count` times.
    pub(crate) async fn saw(&self, line: &str, count: usize) {
        self.until(|lines| lines.iter().filter(|told| *told == line).count() >= count).await;
    }

    /// Waits until a line begins so.
    pub(crate) async fn began(&self, start: &str) {
        self.until(|lines| lines.iter().any(|told| told.starts_with(start))).await;
    }

    /// Waits until a call of `handler` holds this text.
    pub(crate) async fn told(&self, handler: &str, text: &str) {
        let of = |told: &String| told.split(' ').next() == Some(handler) && told.contains(text);
        self.until(|lines| lines.iter().any(of)).await;
    }

    async fn until(&self, look: impl Fn(&[String]) -> bool) {
        loop {
            let grown = self.grown.notified();
            tokio::pin!(grown);
            grown.as_mut().enable();
            if look(&self.lines()) {
                return;
            }
            grown.await;
        }
    }

    /// The number of the next act.
    pub(crate) fn next_act(&self) -> usize {
        self.lines().iter().filter(|line| line.starts_with("did ")).count()
    }

    /// Where two traces differ: their requests and checks in order, and per handler and key the calls in order. Calls
    /// about different keys have no order: client-go's lists are in that of a map.
    pub(crate) fn difference(&self, other: &Self) -> Option<String> {
        let (these, those) = (self.threads(), other.threads());
        let names = these.keys().chain(those.keys()).collect::<std::collections::BTreeSet<_>>();
        let differing = names.into_iter().find(|name| these.get(*name) != those.get(*name))?;
        let text = |threads: &BTreeMap<String, Vec<String>>| {
            threads.get(differing).map_or("nothing".to_owned(), |lines| lines.join("; "))
        };
        Some(format!("{differing} differs: {} / {}", text(&these), text(&those)))
    }

    /// How many ways there are to spoil one line of it, of which each is noticed.
    pub(crate) fn notices_spoiled(&self) -> Result<usize> {
        let spoiled = self.spoiled();
        match spoiled.iter().find(|(_, trace)| self.difference(trace).is_none()) {
            Some((how, _)) => bail!("a trace {how} would pass:\n{self}"),
            None => Ok(spoiled.len()),
        }
    }

    /// The same without how far the store had come at each look at it.
    pub(crate) fn without_store_versions(&self) -> Self {
        let without = |line: &String| match (line.starts_with("check "), line.split_once("] at ")) {
            (true, Some((before, after))) => {
                format!("{before}]{}", after.trim_start_matches(|letter: char| letter.is_ascii_digit()))
            }
            _ => line.clone(),
        };
        let lines = self.lines().iter().map(without).collect();
        Self { lines: Arc::new(Mutex::new(lines)), grown: Arc::default() }
    }

    /// The last look at the store.
    pub(crate) fn last_check(&self) -> Option<String> {
        self.lines().iter().rev().find(|line| line.starts_with("check ")).cloned()
    }

    /// Every trace that is this one with a line lost, told twice, or told after the next of its thread. Of resyncs alone the
    /// number does not count.
    fn spoiled(&self) -> Vec<(String, Self)> {
        let lines = self.lines().clone();
        let mut spoiled = Vec::new();
        for (place, line) in lines.iter().enumerate() {
            let thread = thread_of(line);
            let next = (place + 1..lines.len()).find(|next| thread_of(&lines[*next]) == thread);
            let last = (0..place).rev().find(|last| thread_of(&lines[*last]) == thread);
            let same = |other: Option<usize>| other.is_some_and(|other| lines[other] == *line);
            if !(is_resync(line) && (same(next) || same(last))) {
                let mut lost = lines.clone();
                lost.remove(place);
                spoiled.push((format!("without {line:?}"), lost));
            }
            if !is_resync(line) {
                let mut twice = lines.clone();
                twice.insert(place, line.clone());
                spoiled.push((format!("with {line:?} twice"), twice));
            }
            if let Some(next) = next.filter(|next| lines[*next] != *line) {
                let mut late = lines.clone();
                late.swap(place, next);
                spoiled.push((format!("with {line:?} after the next"), late));
            }
        }
        let trace = |lines| Self { lines: Arc::new(Mutex::new(lines)), grown: Arc::default() };
        spoiled.into_iter().map(|(how, lines)| (how, trace(lines))).collect()
    }

    fn threads(&self) -> BTreeMap<String, Vec<String>> {
        let mut threads = BTreeMap::<String, Vec<String>>::new();
        for line in self.lines().iter() {
            let thread = threads.entry(thread_of(line)).or_default();
            // How many resyncs fall into a scenario is a matter of the machine's speed.
            if !is_resync(line) || thread.last() != Some(line) {
                thread.push(line.clone());
            }
        }
        threads
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `handler key` for a call, else the first word.
fn thread_of(line: &str) -> String {
    let mut words = line.split(' ');
    let (first, second, third) = (words.next().unwrap_or_default(), words.next(), words.next());
    match (second, third) {
        (Some("add" | "update" | "delete"), Some(object)) => {
            let key = object.split_once('@').map_or(object, |(key, _)| key);
            format!("{first} {key}")
        }
        _ => first.to_owned(),
    }
}

/// Whether a call announces a state that was told before: `main update n/a@5 from 5`.
fn is_resync(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    let [_, "update", object, .., "from", old] = words[..] else { return false };
    object.split_once('@').is_some_and(|(_, version)| version == old)
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().iter().try_for_each(|line| writeln!(f, "    {line}"))
    }
}
