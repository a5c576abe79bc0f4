//! The page without the page: events go in, frames come out.
//!
//! Invariant: pure. No clock, no DOM, no tasks; the same events make the same frames. The page applies events, draws
//! [`Model::frame`], starts the informers [`Model::wanted`] names and does the [`Errand`]s it is handed.

pub mod age;
pub mod catalogue;
pub mod cell;
pub mod columns;
pub mod detail;
mod fields;
mod filter;
pub mod frame;
mod health;
pub mod keys;
pub mod manifest;
pub mod overview;
mod pod;
mod present;
mod reveal;
pub mod route;
pub mod table;
#[cfg(test)]
mod testing;
pub mod trouble;
pub mod wire;
pub mod yaml;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use portolan::meta::ApiResource;

use age::Millis;
use catalogue::{Catalogue, Kind};
use frame::Frame;
use keys::Command;
use manifest::Manifest;
use route::{Pane, Route, Sort};
use table::Table;
use trouble::Trouble;
use wire::{Figures, Wire};

/// The height of a row in CSS pixels.
pub const ROW_HEIGHT: f64 = 28.0;

/// What happens to the page.
#[derive(Debug)]
pub enum Event {
    /// The data will come from here: in words, and as an address.
    Source(String),
    /// These resources can be listed and watched.
    Discovered(Vec<ApiResource>),
    /// Something failed that concerns more than one informer; `None` when it works again.
    Outside(Option<Trouble>),
    /// Watch every kind, whatever the address says.
    WatchAll,
    /// An object is there. `initial`: it was there before the page looked.
    Put {
        /// The kind's name.
        kind: String,
        /// The object.
        object: Manifest,
        /// Was there before the page looked.
        initial: bool,
    },
    /// An object has gone.
    Remove {
        /// The kind's name.
        kind: String,
        /// Its key.
        key: String,
    },
    /// The figures of one informer.
    Look(String, Figures),
    /// All informers have been looked at.
    Looked,
    /// The address's hash is this.
    Went(String),
    /// The filter box holds this.
    Filter(String),
    /// This namespace, "" for all.
    Namespace(String),
    /// The heading of this text was pressed.
    SortBy(&'static str),
    /// A row was pressed.
    Open(String),
    /// The rows' window: how far it is scrolled and how high it is, in CSS pixels.
    Scrolled {
        /// From the top.
        top: f64,
        /// In view.
        height: f64,
    },
    /// The pointer is over the rows, or not any more.
    Pointer(bool),
    /// A key was pressed.
    Key {
        /// As the browser names it.
        key: String,
        /// With the caret in a text box.
        typing: bool,
    },
    /// A command from a button.
    Do(Command),
    /// The jump box holds this.
    JumpText(String),
    /// This kind was chosen in the list.
    JumpTo(String),
    /// Every kind is to be watched, or only those on show.
    ToggleAll,
    /// The theme kept from last time.
    Theme(&'static str),
}

/// Something only the page can do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Errand {
    /// Put the caret in the filter box.
    FocusFilter,
    /// Put the caret in the jump box.
    FocusJump,
    /// Take the caret out of any box.
    FocusRows,
    /// Scroll the rows so that this many CSS pixels are above.
    ScrollTo(f64),
    /// Give the focus to the line of the overview so many below the one that has it.
    FocusLine(isize),
}

/// An informer that should run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The kind's name.
    pub kind: String,
    /// What to ask the server for.
    pub resource: ApiResource,
    /// Where: "" for everywhere.
    pub namespace: String,
}

/// The whole state.
#[derive(Debug, Default)]
pub struct Model {
    catalogue: Catalogue,
    tables: BTreeMap<String, Table>,
    wire: Wire,
    route: Route,
    source: String,
    outside: Option<(Trouble, Millis)>,
    watch_all: bool,
    /// Kinds that may not be looked at in all namespaces at once.
    narrowed: BTreeSet<String>,
    cursor: Option<String>,
    top: f64,
    height: f64,
    hold: bool,
    open: detail::Open,
    overlay: Shown,
    theme: Theme,
    errands: VecDeque<Errand>,
}

#[derive(Debug, Default)]
enum Shown {
    #[default]
    Nothing,
    Help,
    Jump {
        text: String,
        selected: usize,
    },
}

#[derive(Debug, Default)]
struct Theme(Option<&'static str>);

impl Model {
    /// Takes `event`, which happened at `now`.
    pub fn apply(&mut self, event: Event, now: Millis) {
        match event {
            Event::Source(source) => self.source = source,
            Event::Discovered(resources) => self.catalogue.discover(resources),
            Event::Outside(trouble) => self.outside = trouble.map(|trouble| (trouble, now)),
            Event::WatchAll => self.watch_all = true,
            Event::ToggleAll => self.toggle_all(),
            Event::Put { kind, object, initial } => self.put(&kind, object, (!initial).then_some(now)),
            Event::Remove { kind, key } => {
                if let Some(table) = self.tables.get_mut(&kind) {
                    table.remove(&key);
                }
            }
            Event::Look(kind, figures) => self.look(&kind, figures, now),
            Event::Looked => self.wire.sum_up(now),
            Event::Went(hash) => self.went(Route::parse(&hash)),
            Event::Filter(text) => {
                self.route.filter = text;
                self.rewind();
            }
            Event::Namespace(namespace) => {
                self.route.namespace = namespace;
                self.rewind();
            }
            Event::SortBy(title) => self.sort_by(title),
            Event::Open(key) => self.open(key),
            Event::Scrolled { top, height } => (self.top, self.height) = (top, height),
            Event::Pointer(over) => self.hold = over,
            Event::Key { key, typing } => self.key(&key, typing),
            Event::Do(command) => self.command(command),
            Event::JumpText(text) => self.overlay = Shown::Jump { text, selected: 0 },
            Event::JumpTo(kind) => self.jump_to(&kind),
            Event::Theme(theme) => self.theme = Theme(Some(theme)),
        }
    }

    /// What the page is to show at `now`.
    pub fn frame(&mut self, now: Millis) -> Frame {
        present::frame(self, now)
    }

    /// The informers that should run: on the page's own kinds, the one on show, and all of them when asked; in the chosen
    /// namespace where the whole cluster is refused.
    pub fn wanted(&self) -> Vec<Wanted> {
        let all = self.watch_all || self.route.all;
        let wanted = |kind: &&Kind| all || kind.core || self.route.kind.as_deref() == Some(kind.id.as_str());
        let informer = |kind: &Kind| {
            let narrowed = kind.resource.namespaced && self.narrowed.contains(&kind.id);
            let namespace = if narrowed { self.route.namespace.clone() } else { String::new() };
            Wanted { kind: kind.id.clone(), resource: kind.resource.clone(), namespace }
        };
        self.catalogue.kinds().filter(wanted).map(informer).collect()
    }

    /// Forgets what it had of `kind`: its informer has been stopped.
    pub fn forget(&mut self, kind: &str) {
        self.tables.remove(kind);
        self.open.forget(kind);
        self.wire.forget(kind);
    }

    /// The next thing only the page can do.
    pub fn errand(&mut self) -> Option<Errand> {
        self.errands.pop_front()
    }

    /// The failure that concerns more than one informer, while none has heard of the server since.
    fn outside(&self) -> Option<&Trouble> {
        self.wire.unheard(self.outside.as_ref())
    }

    fn look(&mut self, kind: &str, figures: Figures, now: Millis) {
        let namespaced = self.catalogue.kind(kind).is_some_and(|kind| kind.resource.namespaced);
        let forbidden = figures.last_error.as_ref().is_some_and(Trouble::forbids);
        if namespaced && forbidden && !figures.synced && figures.phase == wire::Phase::Retrying {
            self.narrowed.insert(kind.to_owned());
        }
        self.wire.look(kind, figures, now);
    }

    fn put(&mut self, kind: &str, object: Manifest, changed: Option<Millis>) {
        let Some(known) = self.catalogue.kind(kind) else { return };
        let namespaced = known.resource.namespaced;
        let fresh = || Table::new(columns::plan(kind, namespaced));
        self.tables.entry(kind.to_owned()).or_insert_with(fresh).put(object, changed);
    }

    fn went(&mut self, route: Route) {
        if route == self.route {
            return;
        }
        if route.kind != self.route.kind {
            self.rewind();
            self.overlay = Shown::Nothing;
        }
        if route.open.is_some() {
            self.cursor.clone_from(&route.open);
        }
        self.route = route;
    }

    /// Back to the top of another list.
    fn rewind(&mut self) {
        self.cursor = None;
        self.top = 0.0;
        self.errands.push_back(Errand::ScrollTo(0.0));
    }

    fn toggle_all(&mut self) {
        let all = self.watch_all || self.route.all;
        self.watch_all = false;
        self.route.all = !all;
    }

    fn open(&mut self, key: String) {
        self.cursor = Some(key.clone());
        self.route.open = Some(key);
    }

    fn jump_to(&mut self, kind: &str) {
        self.overlay = Shown::Nothing;
        self.errands.push_back(Errand::FocusRows);
        self.went(self.route.to(Some(kind)));
    }

    /// The plan of the table on show.
    fn plan(&self) -> Option<columns::Plan> {
        let kind = self.catalogue.kind(self.route.kind.as_deref()?)?;
        Some(columns::plan(&kind.id, kind.resource.namespaced))
    }

    fn sort_by(&mut self, title: &str) {
        let Some(plan) = self.plan() else { return };
        let Some(column) = plan.columns.iter().find(|column| column.title == title) else { return };
        let name = column.title.to_lowercase();
        let same = self.route.sort.as_ref().filter(|sort| sort.column == name);
        let descending = match same {
            Some(sort) => !sort.descending,
            None => column.style == columns::Style::Number && column.title != "Age",
        };
        self.route.sort = Some(Sort { column: name, descending });
    }

    fn key(&mut self, key: &str, typing: bool) {
        if let Shown::Jump { text, selected } = &mut self.overlay {
            let found = self.catalogue.search(text);
            match key {
                "ArrowDown" => *selected = (*selected + 1).min(found.len().saturating_sub(1)),
                "ArrowUp" => *selected = selected.saturating_sub(1),
                "Enter" => {
                    if let Some(kind) = found.get(*selected).map(|kind| kind.id.clone()) {
                        self.jump_to(&kind);
                    }
                }
                "Escape" => self.command(Command::Close),
                _ => {}
            }
        } else if matches!(self.overlay, Shown::Help) {
            // What lies beneath is out of reach.
            if let Some(command @ (Command::Close | Command::Help | Command::Theme)) =
                keys::command(key, typing)
            {
                self.command(command);
            }
        } else if typing && matches!(key, "Enter" | "ArrowDown") {
            self.errands.push_back(Errand::FocusRows);
            self.step(0);
        } else if typing && key == "Escape" {
            self.errands.push_back(Errand::FocusRows);
            self.reset_filter();
        } else if let Some(command) = keys::command(key, typing) {
            self.command(command);
        }
    }

    fn reset_filter(&mut self) {
        if !self.route.filter.is_empty() {
            self.route.filter.clear();
            self.rewind();
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Filter => self.errands.push_back(Errand::FocusFilter),
            Command::Jump => {
                self.overlay = Shown::Jump { text: String::new(), selected: 0 };
                self.errands.push_back(Errand::FocusJump);
            }
            Command::Down => self.step(1),
            Command::Up => self.step(-1),
            Command::First => self.step(isize::MIN),
            Command::Last => self.step(isize::MAX),
            Command::Open => {
                if let (Some(key), true) = (self.cursor.clone(), self.route.kind.is_some()) {
                    self.route.open = Some(key);
                }
            }
            Command::Show(pane) => self.show(pane),
            Command::Wire => self.route.wire = !self.route.wire,
            Command::Overview => self.went(self.route.to(None)),
            Command::Help => {
                let open = matches!(self.overlay, Shown::Help);
                self.overlay = if open { Shown::Nothing } else { Shown::Help };
            }
            Command::Theme => self.theme = Theme(Some(self.theme.next())),
            Command::Close => self.close(),
        }
    }

    /// Shows `pane` of the open object, or of the selected one; the facts when it is on show already.
    fn show(&mut self, pane: Pane) {
        match (&self.route.open, self.cursor.clone()) {
            (Some(_), _) => self.route.pane = if self.route.pane == pane { Pane::default() } else { pane },
            (None, Some(key)) if self.route.kind.is_some() => {
                self.route.open = Some(key);
                self.route.pane = pane;
            }
            _ => {}
        }
    }

    /// Closes what is on top: the overlay, then the caret, the detail, the wire panel, the filter.
    fn close(&mut self) {
        self.errands.push_back(Errand::FocusRows);
        if !matches!(self.overlay, Shown::Nothing) {
            self.overlay = Shown::Nothing;
        } else if self.route.open.is_some() {
            self.route.open = None;
            self.route.pane = Pane::default();
        } else if self.route.wire {
            self.route.wire = false;
        } else {
            self.reset_filter();
        }
    }

    /// Moves the cursor by `by` rows, brings it into view, and takes an open detail along. On the overview the focus moves.
    fn step(&mut self, by: isize) {
        let Some(kind) = &self.route.kind else {
            self.errands.push_back(Errand::FocusLine(by));
            return;
        };
        let Some(table) = self.tables.get(kind) else { return };
        let Some(last) = table.matching().checked_sub(1) else { return };
        let place = self.cursor.as_deref().and_then(|key| table.position(key));
        let place = place.map_or(if by == isize::MAX { last } else { 0 }, |place| {
            place.saturating_add_signed(by).min(last)
        });
        self.cursor = table.window(place, 1).next().map(|row| row.key.clone());
        if self.route.open.is_some() {
            self.route.open.clone_from(&self.cursor);
        }
        let (above, below) = (place as f64 * ROW_HEIGHT, (place + 1) as f64 * ROW_HEIGHT);
        if above < self.top {
            self.errands.push_back(Errand::ScrollTo(above));
        } else if below > self.top + self.height && self.height > 0.0 {
            self.errands.push_back(Errand::ScrollTo(below - self.height));
        }
    }
}

impl Theme {
    fn name(&self) -> &'static str {
        self.0.unwrap_or("auto")
    }

    fn next(&self) -> &'static str {
        match self.name() {
            "auto" => "dark",
            "dark" => "light",
            _ => "auto",
        }
    }
}

#[cfg(test)]
mod tests;
