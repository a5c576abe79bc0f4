//! The page without the page: events go in, frames come out.
//!
//! Invariant: pure. No clock, no DOM, no tasks; the same events make the same frames. The page applies events, draws
//! [`Model::frame`], starts the informers [`Model::wanted`] names and does the [`Errand`]s it is handed.

mod access;
pub mod act;
mod acting;
pub mod age;
mod built_in;
pub mod calls;
pub mod capacity;
pub mod catalogue;
pub mod cell;
pub mod changes;
pub mod choice;
pub mod columns;
mod desk;
pub mod detail;
mod edit;
pub mod family;
mod fields;
mod filter;
pub mod frame;
mod health;
pub mod ink;
pub mod inspect;
mod json_path;
pub mod keys;
mod listed;
pub mod logs;
pub mod manifest;
mod order;
mod overlay;
pub mod overview;
pub mod palette;
pub mod place;
mod pod;
mod present;
mod printed;
mod refusal;
mod reveal;
pub mod route;
pub mod scope;
mod server_table;
pub mod table;
pub mod terminal;
#[cfg(test)]
mod testing;
pub mod timeline;
pub mod trouble;
pub mod views;
mod watching;
pub mod wire;
mod writing;
pub mod yaml;

use std::collections::{HashMap, HashSet, VecDeque};

use portolan::Error;
use portolan::meta::ApiResource;
use serde_json::Value;

use act::{Dialog, Propagation};
use age::Millis;
use capacity::Capacity;
use catalogue::{Catalogue, Kind};
use choice::Choice;
use columns::Plan;
use desk::Desk;
use frame::Frame;
use inspect::Inspect;
use keys::Command;
use manifest::Manifest;
use route::{Pane, Route, Sort};
use scope::Scope;
use server_table::ServerTables;
use table::Table;
use trouble::Trouble;
use views::Views;
use wire::{Figures, Wire};

/// The height of a row in CSS pixels.
pub const ROW_HEIGHT: f64 = 28.0;

/// What happens to the page.
#[derive(Debug)]
pub enum Event {
    /// The data will come from here: in words, and as an address.
    Source(String),
    /// These resources can be listed and watched; those can only be listed.
    Discovered(Vec<ApiResource>, Vec<ApiResource>),
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
    /// These namespaces, parted by commas; "" for all.
    Namespace(String),
    /// The heading of this text was pressed.
    SortBy(String),
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
    /// The box that lies over the page holds this.
    Typed(String),
    /// This was chosen in the palette.
    Choose(palette::Target),
    /// The view on show is kept under the name that has been typed.
    SaveView,
    /// This view is kept no longer.
    RemoveView(String),
    /// The views that were kept, as text.
    Views(String),
    /// Something about logs or the terminal.
    Inspect(inspect::Event),
    /// Every kind is to be watched, or only those on show.
    ToggleAll,
    /// The kind on show, which cannot be watched, is to be listed anew.
    Refresh,
    /// The theme kept from last time.
    Theme(&'static str),
    /// What becomes of what the object to be deleted owns.
    Propagation(Propagation),
    /// The box of replicas holds this.
    Replicas(String),
    /// The question is answered with yes.
    Confirm,
    /// The reader has read what came of it.
    Dismiss,
    /// The editor holds this.
    Write(String),
    /// What was written is to be reviewed by the server.
    Review,
    /// Whether the fields of other managers are to be taken over.
    Take(bool),
    /// What was reviewed is to be applied.
    Apply,
    /// What was written is to be dropped.
    Discard,
    /// The server's answer to a call.
    Answered {
        /// The call's number.
        id: u64,
        /// What it answered.
        outcome: Result<Value, Error>,
    },
}

/// Something only the page can do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Errand {
    /// Put the caret in the filter box.
    FocusFilter,
    /// Put the caret in the palette's box.
    FocusJump,
    /// Put the caret in the box that names a view.
    FocusName,
    /// Keep [`Model::kept_views`] for the next visit.
    KeepViews,
    /// Take the caret out of any box.
    FocusRows,
    /// Scroll the rows so that this many CSS pixels are above.
    ScrollTo(f64),
    /// Give the focus to the first control of the dialog.
    FocusDialog,
    /// Put the caret in the editor.
    FocusEditor,
    /// Scroll the logs so that this many CSS pixels are above.
    ScrollLog(f64),
    /// Put the caret in the terminal.
    FocusTerminal,
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
    /// Where: an informer in each; "" is everywhere.
    pub namespaces: Vec<String>,
    /// Only the objects' metadata.
    pub metadata: bool,
    /// Only the object of this name; "" for all.
    pub name: String,
}

/// The whole state.
#[derive(Debug, Default)]
pub struct Model {
    catalogue: Catalogue,
    tables: HashMap<String, Table>,
    /// The columns of kinds that the page does not know, as their definitions or the server have them.
    plans: HashMap<String, Plan>,
    server_tables: ServerTables,
    capacity: Capacity,
    views: Views,
    wire: Wire,
    route: Route,
    source: String,
    outside: Option<(Trouble, Millis)>,
    watch_all: bool,
    /// Kinds that may not be looked at in all namespaces at once.
    narrowed: HashSet<String>,
    cursor: Option<String>,
    top: f64,
    height: f64,
    hold: bool,
    open: detail::Open,
    inspect: Inspect,
    overlay: Shown,
    theme: Theme,
    desk: Desk,
    errands: VecDeque<Errand>,
}

#[derive(Debug, Default)]
enum Shown {
    #[default]
    Nothing,
    Help,
    Dialog(Box<Dialog>),
    Palette {
        text: String,
        /// What it finds, as it is drawn.
        found: Vec<palette::Choice>,
        selected: usize,
    },
    Naming {
        text: String,
    },
}

#[derive(Debug, Default)]
struct Theme(Option<&'static str>);

impl Model {
    /// Takes `event`, which happened at `now`.
    pub fn apply(&mut self, event: Event, now: Millis) {
        match event {
            Event::Source(source) => self.source = source,
            Event::Discovered(watchable, listable) => self.discover(watchable, listable),
            Event::Outside(trouble) => self.outside = trouble.map(|trouble| (trouble, now)),
            Event::WatchAll => self.watch_all = true,
            Event::ToggleAll => self.toggle_all(),
            Event::Refresh => self.server_tables.refresh(),
            Event::Put { kind, object, initial } => self.put(&kind, object, (!initial).then_some(now)),
            Event::Remove { kind, key } => self.remove(&kind, &key),
            Event::Inspect(event) => self.inspect(event, now),
            Event::Look(kind, figures) => self.look(&kind, figures, now),
            Event::Looked => {
                self.wire.sum_up(now);
                self.find_again();
            }
            Event::Went(hash) => self.went(Route::parse(&hash)),
            Event::Filter(text) => {
                self.route.filter = text;
                self.rewind();
            }
            Event::Namespace(namespace) => {
                self.route.scope = Scope::parse(&namespace);
                self.rewind();
            }
            Event::SortBy(title) => self.sort_by(&title),
            Event::Open(key) => self.open(key),
            Event::Scrolled { top, height } => (self.top, self.height) = (top, height),
            Event::Pointer(over) => self.hold = over,
            Event::Key { key, typing } => self.key(&key, typing, now),
            Event::Do(command) => {
                // A button is for the open object, whichever line of its tree had the focus.
                self.inspect.unfocus();
                self.command(command, now);
            }
            Event::Typed(typed) => match &mut self.overlay {
                Shown::Palette { .. } => self.find(typed),
                Shown::Naming { text } => *text = typed,
                Shown::Nothing | Shown::Help | Shown::Dialog(_) => {}
            },
            Event::Choose(target) => self.choose(target, now),
            Event::SaveView => {
                if let Shown::Naming { text } = std::mem::take(&mut self.overlay) {
                    self.save_view(&text);
                }
            }
            Event::RemoveView(name) => self.remove_view(&name),
            Event::Views(text) => self.views = Views::parse(&text),
            Event::Theme(theme) => self.theme = Theme(Some(theme)),
            Event::Answered { id, outcome } => match self.server_tables.answered(id) {
                Some((kind, namespace)) => self.printed(&kind, &namespace, outcome, now),
                None => self.desk.answered(id, outcome, now),
            },
            event => self.act(event, now),
        }
    }

    /// What the page is to show at `now`.
    pub fn frame(&mut self, now: Millis) -> Frame {
        present::frame(self, now)
    }

    /// Forgets what it had of `kind`: its informer has been stopped.
    pub fn forget(&mut self, kind: &str) {
        self.tables.remove(kind);
        self.capacity.forget(kind);
        self.open.forget(kind);
        if let Some(family) = &mut self.inspect.family {
            family.forget(kind);
        }
        self.wire.forget(kind);
    }

    /// The next thing only the page can do.
    pub fn errand(&mut self) -> Option<Errand> {
        self.errands.pop_front()
    }

    /// The kept views as text, for the next visit.
    pub fn kept_views(&self) -> String {
        self.views.text()
    }

    /// The failure that concerns more than one informer, while none has heard of the server since.
    fn outside(&self) -> Option<&Trouble> {
        self.wire.unheard(self.outside.as_ref())
    }

    /// The names of the namespaces there are.
    fn namespaces(&self) -> Vec<String> {
        let rows = self.tables.get("namespaces").into_iter().flat_map(Table::rows);
        rows.map(|row| row.key.clone()).collect()
    }

    /// What is on show, in words.
    fn place(&self) -> &str {
        let shown = self.route.kind.as_deref();
        shown.map_or("Overview", |kind| self.catalogue.kind(kind).map_or(kind, |kind| kind.title.as_str()))
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

    fn sort_by(&mut self, title: &str) {
        let kind = self.route.kind.as_deref().and_then(|kind| self.catalogue.kind(kind));
        let Some(plan) = kind.map(|kind| self.plan(kind)) else { return };
        let Some(column) = plan.columns.iter().find(|column| column.title == title) else { return };
        let name = column.title.to_ascii_lowercase();
        let same = self.route.sort.as_ref().filter(|sort| sort.column == name);
        let descending = match same {
            Some(sort) => !sort.descending,
            None => column.style == columns::Style::Number && column.title != "Age",
        };
        self.route.sort = Some(Sort { column: name, descending });
    }

    fn key(&mut self, key: &str, typing: bool, now: Millis) {
        if self.key_over(key, typing, now) {
            return;
        }
        if typing && matches!(key, "Enter" | "ArrowDown") {
            self.errands.push_back(Errand::FocusRows);
            self.step(0);
        } else if typing && key == "Escape" {
            self.errands.push_back(Errand::FocusRows);
            self.reset_filter();
        } else if let Some(command) = keys::command(key, typing) {
            self.command(command, now);
            if command == Command::Show(Pane::Edit) && self.route.pane == Pane::Edit {
                self.errands.push_back(Errand::FocusEditor);
            }
        }
    }

    fn reset_filter(&mut self) {
        if !self.route.filter.is_empty() {
            self.route.filter.clear();
            self.rewind();
        }
    }

    fn command(&mut self, command: Command, now: Millis) {
        match command {
            Command::Filter => self.errands.push_back(Errand::FocusFilter),
            Command::Jump => {
                self.find(String::new());
                self.errands.push_back(Errand::FocusJump);
            }
            Command::Down => self.step(1),
            Command::Up => self.step(-1),
            Command::First => self.step(isize::MIN),
            Command::Last => self.step(isize::MAX),
            Command::Open => {
                if self.offers(command) {
                    self.route.open.clone_from(&self.cursor);
                }
            }
            Command::Show(pane) => self.show(pane),
            Command::Act(act) => self.ask(act, now),
            Command::Reveal if self.shows_values() => self.open.reveal(),
            Command::Reveal => {}
            Command::Wire => self.route.wire = !self.route.wire,
            Command::Save => self.name_view(),
            Command::Overview => self.went(self.route.to(None)),
            Command::Help => {
                let open = matches!(self.overlay, Shown::Help);
                self.overlay = if open { Shown::Nothing } else { Shown::Help };
            }
            Command::Theme => self.theme = Theme(Some(self.theme.next())),
            Command::Close => self.close(),
        }
    }

    /// Whether there is something for `command` to do, as far as it needs an object.
    pub(super) fn offers(&self, command: Command) -> bool {
        match command {
            Command::Open => self.route.kind.is_some() && self.cursor.is_some(),
            Command::Show(pane) => self.chosen().is_some_and(|(kind, _)| pane.fits(&kind)),
            Command::Act(act) => self.subject(act).is_some(),
            Command::Reveal => self.shows_values(),
            _ => true,
        }
    }

    /// Whether what is on show has the values of a Secret, masked or not.
    fn shows_values(&self) -> bool {
        self.route.kind.as_deref() == Some("secrets")
            && matches!(self.pane_on_show(), Some(Pane::Yaml | Pane::Edit))
    }

    /// The kind and the key of what a key is for: the line of the owner tree that has the focus, else the open object, else
    /// the selected one.
    fn chosen(&self) -> Option<(String, String)> {
        if let Some(line) = self.focused_relative() {
            let there = Route::parse(&line.link);
            return there.kind.zip(there.open);
        }
        let key = self.route.open.as_ref().or(self.cursor.as_ref())?;
        Some((self.route.kind.clone()?, key.clone()))
    }

    /// Shows `pane` of what is chosen; the facts when it is on show already.
    fn show(&mut self, pane: Pane) {
        let Some((kind, key)) = self.chosen().filter(|(kind, _)| pane.fits(kind)) else { return };
        let same = self.route.kind.as_ref() == Some(&kind);
        let mut route = if same { self.route.clone() } else { self.route.to(Some(&kind)) };
        let shown = same && self.route.pane == pane && self.route.open.as_ref() == Some(&key);
        route.pane = if shown { Pane::default() } else { pane };
        route.open = Some(key);
        self.went(route);
        if self.pane_on_show() == Some(Pane::Terminal) {
            self.errands.push_back(Errand::FocusTerminal);
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
            self.route.choice = Choice::default();
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
