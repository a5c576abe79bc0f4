//! The panes that live on streams and on other kinds than the one on show: logs, the terminal, the owner tree.
//!
//! Invariant: a stream is wanted only while its pane is on show, and what comes of one that is not any more is dropped.

use portolan::Error;
use portolan::stream::LogLine;

use super::age::Millis;
use super::catalogue::Kind;
use super::choice::Switch;
use super::family::{Family, Relative};
use super::logs::{self, Logs};
use super::manifest;
use super::place::{Place, Places};
use super::route::Pane;
use super::terminal::{self, Input, Size, Stroke, Terminal};
use super::{Errand, Model};

/// What happens to these panes.
#[derive(Debug)]
pub enum Event {
    /// This pod was chosen.
    Pod(String),
    /// This container was chosen.
    Container(String),
    /// So many lines are wanted.
    Tail(u32),
    /// A switch was turned.
    Turn(Switch),
    /// The search box holds this.
    Find(String),
    /// To the line so many further that holds it.
    Step(isize),
    /// The lines are scrolled so far, and so high is what is in view, in CSS pixels.
    Scrolled(f64, f64),
    /// The reader begins to scroll back in the logs.
    Back,
    /// To the last line, and stay there.
    End,
    /// The stream of this number is open.
    Opened(u64),
    /// Lines of a stream.
    Lines(u64, Vec<LogLine>),
    /// A stream of logs has ended.
    LogsEnded(u64, Option<Error>),
    /// The terminal is so large.
    Resized(Size),
    /// A shell has begun, with a screen of this size.
    Started(u64, Size),
    /// A shell has written something.
    Output(u64, Vec<u8>),
    /// A shell has ended.
    Exited(u64, Result<i32, Error>),
    /// A key that the terminal takes was pressed.
    Stroke(Stroke),
    /// Text was typed, or pasted.
    Text(String, bool),
    /// The wheel was turned over the terminal: so many lines up.
    Wheel(isize),
    /// What has failed or ended is to begin anew.
    Again,
    /// This line of the owner tree has the focus, or none.
    Line(Option<usize>),
}

/// A stream that should be open.
#[derive(Clone, Debug, PartialEq)]
pub enum Stream {
    /// Logs.
    Logs(logs::Asked),
    /// A shell, in a terminal of this size at first.
    Shell(Place, Size),
}

/// What is kept of these panes between frames.
#[derive(Debug, Default)]
pub(super) struct Inspect {
    places: Places,
    /// The object whose places these are: its kind's name and its key.
    of: (String, String),
    logs: Logs,
    pub(super) terminal: Terminal,
    /// Who made whom, while somebody asks.
    pub(super) family: Option<Family>,
    /// The line of the tree that has the focus, as it was when it got it: what is above it may come and go.
    line: Option<Relative>,
    /// The namespace that the tree is watched in, while it is on show.
    home: Option<Home>,
}

/// Where the tree is watched: where the open object is, once the reader stays with it. To follow at each step would list
/// every kind anew.
#[derive(Debug)]
struct Home {
    name: String,
    /// Where the open object is, and since when, if not there.
    next: Option<(String, Millis)>,
}

/// How long the reader has to stay with an object before the tree is watched where that is.
const STAYS: Millis = 300;

impl Inspect {
    /// No line of the tree has the focus.
    pub(super) fn unfocus(&mut self) {
        self.line = None;
    }
}

impl Model {
    /// The stream that should be open, by a number that no other has among its like.
    pub fn stream(&self) -> Option<(u64, Stream)> {
        let logs = || self.inspect.logs.stream().map(|(id, asked)| (id, Stream::Logs(asked)));
        let shell =
            || self.inspect.terminal.stream().map(|(id, place, size)| (id, Stream::Shell(place, size)));
        logs().or_else(shell)
    }

    /// What is to be sent to the shell next.
    pub fn typed(&mut self) -> Option<Input> {
        self.inspect.terminal.input()
    }

    /// Whether the terminal takes this key.
    pub fn takes(&self, stroke: &Stroke) -> bool {
        self.inspect.terminal.takes(stroke)
    }

    /// Whether of `kind` nothing but metadata is wanted, for the tree.
    pub(super) fn is_only_for_the_tree(&self, kind: &Kind) -> bool {
        self.pane_on_show() == Some(Pane::Owners) && !self.is_watched_in_full(kind)
    }

    /// What is on show of the open object, when one is.
    pub(super) fn pane_on_show(&self) -> Option<Pane> {
        let kind = self.route.kind.as_deref().filter(|_| self.route.open.is_some())?;
        Some(self.route.pane.of(kind))
    }

    pub(super) fn inspect(&mut self, event: Event, now: Millis) {
        let Inspect { places, logs, terminal, .. } = &mut self.inspect;
        let choice = &mut self.route.choice;
        match event {
            Event::Pod(pod) => choice.pod = pod,
            Event::Container(container) => choice.container = container,
            Event::Tail(tail) => choice.tail = tail,
            Event::Turn(switch) => choice.turn(switch),
            Event::Find(text) => choice.find = text,
            Event::Step(by) => logs.step(by),
            Event::Scrolled(top, height) => logs.scrolled(top, height),
            Event::Back => logs.back(),
            Event::End => logs.end(),
            Event::Opened(id) => logs.opened(id),
            Event::Lines(id, lines) => logs.take(id, lines),
            Event::LogsEnded(id, error) => logs.ended(id, error.as_ref(), places, now),
            Event::Resized(size) => terminal.resize(size),
            Event::Started(id, size) => terminal.opened(id, size),
            Event::Output(id, bytes) => terminal.take(id, &bytes),
            Event::Exited(id, outcome) => terminal.ended(id, outcome.as_ref().copied(), &self.source),
            Event::Stroke(stroke) => terminal.press(&stroke),
            Event::Text(text, pasted) => terminal.text(&text, pasted),
            Event::Wheel(by) => terminal.scroll(by),
            Event::Again => {
                logs.again();
                terminal.again();
            }
            Event::Line(line) => {
                self.inspect.line = line.and_then(|line| self.owners_view()?.into_iter().nth(line));
            }
        }
    }

    /// Brings the streams and the tree up to date with what is on show.
    pub(super) fn settle(&mut self, now: Millis) {
        let pane = self.pane_on_show();
        let (Some(kind), Some(key)) = (self.route.kind.clone(), self.route.open.clone()) else {
            return self.leave();
        };
        self.follow_home(pane, now);
        let asks_family = pane == Some(Pane::Owners) || pane == Some(Pane::Logs) && kind != "pods";
        if !asks_family {
            self.inspect.family = None;
        } else if self.inspect.family.is_none() {
            let mut family = Family::default();
            for (kind, table) in &self.tables {
                table.rows().for_each(|row| family.put(kind, &row.object));
            }
            self.inspect.family = Some(family);
        }
        let Inspect { places, of, logs, terminal, family, .. } = &mut self.inspect;
        if matches!(pane, Some(Pane::Logs | Pane::Terminal)) {
            let before = std::mem::take(places);
            let choice = &self.route.choice;
            let found = Places::of(&kind, &key, choice, before.place.as_ref(), &self.tables, family.as_ref());
            let lost = found.place.is_none() && before.place.is_some() && *of == (kind.clone(), key.clone());
            (*places, *of) = (if lost { before.without_pod() } else { found }, (kind, key));
        }
        match pane {
            Some(Pane::Logs) => logs.settle(places, &self.route.choice, now),
            _ => logs.leave(),
        }
        match pane {
            Some(Pane::Terminal) => terminal.settle(places.place.as_ref()),
            _ => terminal.leave(),
        }
        if let Some(top) = self.inspect.logs.wish() {
            self.errands.push_back(Errand::ScrollLog(top));
        }
    }

    /// The namespace of the open object, "" without one: what an object in a namespace has made is in that namespace.
    fn home_of_open(&self) -> &str {
        self.route.open.as_deref().map_or("", |key| manifest::parts(key).0)
    }

    /// The namespace that the tree is watched in.
    pub(super) fn home(&self) -> &str {
        self.inspect.home.as_ref().map_or_else(|| self.home_of_open(), |home| &home.name)
    }

    fn follow_home(&mut self, pane: Option<Pane>, now: Millis) {
        let here = self.home_of_open().to_owned();
        self.inspect.home = match (pane, self.inspect.home.take()) {
            (Some(Pane::Owners), Some(home)) if home.name != here => {
                let since = home.next.filter(|(next, _)| *next == here).map_or(now, |(_, since)| since);
                match now.saturating_sub(since) < STAYS {
                    true => Some(Home { next: Some((here, since)), ..home }),
                    false => Some(Home { name: here, next: None }),
                }
            }
            (Some(Pane::Owners), _) => Some(Home { name: here, next: None }),
            _ => None,
        };
    }

    fn leave(&mut self) {
        self.open.mask();
        (self.inspect.family, self.inspect.home) = (None, None);
        self.inspect.places = Places::default();
        self.inspect.logs.leave();
        self.inspect.terminal.leave();
    }

    pub(super) fn logs_view(&self, now: Millis) -> Option<logs::View> {
        let shown = self.pane_on_show() == Some(Pane::Logs);
        shown.then(|| self.inspect.logs.view(self.inspect.places.clone(), &self.route.choice, now))
    }

    pub(super) fn terminal_view(&mut self) -> Option<terminal::View> {
        let shown = self.pane_on_show() == Some(Pane::Terminal);
        shown.then(|| self.inspect.terminal.view(self.inspect.places.clone()))
    }

    /// The line of the tree that has the focus.
    pub(super) fn focused_relative(&self) -> Option<&Relative> {
        self.inspect.line.as_ref().filter(|_| self.pane_on_show() == Some(Pane::Owners))
    }

    pub(super) fn owners_view(&self) -> Option<Vec<Relative>> {
        self.pane_on_show().filter(|pane| *pane == Pane::Owners)?;
        let place = (self.route.kind.as_deref()?, self.route.open.as_deref()?);
        Some(self.inspect.family.as_ref()?.tree(place, &self.catalogue, &self.tables, &self.route))
    }
}

#[cfg(test)]
mod tests;
