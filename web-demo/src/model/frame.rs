//! What is on screen: plain data that the page draws and nothing else decides about.

use std::borrow::Cow;
use std::rc::Rc;

use super::act::{Act, Dialog};
use super::cell::Tone;
use super::changes;
use super::columns::{Style, Width};
use super::detail::Detail;
use super::family::Relative;
use super::overview::Overview;
use super::palette::Choice;
use super::scope;
use super::trouble::Trouble;
use super::views::View;
use super::wire::{Connection, Line};
use super::{logs, terminal};

/// One picture of the page.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The address's hash.
    pub hash: String,
    /// The document's title.
    pub title: String,
    /// `auto`, `light` or `dark`.
    pub theme: &'static str,
    /// Where the data comes from, in words.
    pub source: String,
    /// Always in view.
    pub connection: Connection,
    /// What went wrong and what to do, when something did.
    pub notice: Option<Trouble>,
    /// The kinds.
    pub navigation: Rc<Vec<NavigationGroup>>,
    /// What the namespace switch offers.
    pub namespaces: Rc<Vec<scope::Choice>>,
    /// What is chosen there, as text.
    pub namespace: String,
    /// What the filter box holds.
    pub filter: String,
    /// What is wrong with a selector in it; "" when nothing is.
    pub filter_problem: String,
    /// The kept views.
    pub views: Rc<Vec<View>>,
    /// The overview, when it is on show.
    pub overview: Option<Rc<Overview>>,
    /// The table, when one is on show.
    pub table: Option<Rc<TableFrame>>,
    /// The open object.
    pub detail: Option<Rc<Detail>>,
    /// What can be done to it.
    pub acts: Vec<ActFrame>,
    /// It as text to be edited, when that is on show; or why not.
    pub edit: Option<Result<EditFrame, String>>,
    /// What was done last, or is under way.
    pub report: Option<Report>,
    /// What was not done last, or not for certain; until the reader has read it.
    pub failure: Option<Trouble>,
    /// Its logs, when they are on show.
    pub logs: Option<Rc<logs::View>>,
    /// Its terminal, when it is on show.
    pub terminal: Option<Rc<terminal::View>>,
    /// The tree that it is in, when that is on show.
    pub owners: Option<Rc<Vec<Relative>>>,
    /// The wire panel, when it is open.
    pub wire: Option<Rc<WireFrame>>,
    /// What lies over all of it.
    pub overlay: Overlay,
    /// A namespace is asked for: what is on show may not be looked at in all of them at once.
    pub asks_namespace: bool,
}

/// Kinds under a heading.
#[derive(Clone, Debug, PartialEq)]
pub struct NavigationGroup {
    /// The API group; "" for the page's own kinds.
    pub title: String,
    /// The kinds.
    pub items: Vec<NavigationItem>,
}

/// One kind.
#[derive(Clone, Debug, PartialEq)]
pub struct NavigationItem {
    /// `pods`; "" for the overview.
    pub kind: String,
    /// In words.
    pub title: String,
    /// Where it leads.
    pub link: String,
    /// How many there are, while they are watched.
    pub count: Option<usize>,
    /// How many are not ready, and how grave that is.
    pub unready: usize,
    /// The gravest tone among them.
    pub tone: Tone,
    /// On show now.
    pub active: bool,
}

/// The table on show.
#[derive(Clone, Debug, PartialEq)]
pub struct TableFrame {
    /// The kind.
    pub kind: String,
    /// In words.
    pub title: String,
    /// What is shown of each row.
    pub columns: Vec<ColumnFrame>,
    /// The grid's tracks when narrow, medium and wide.
    pub tracks: [String; 3],
    /// How many objects there are in the chosen namespace.
    pub total: usize,
    /// How many of them the filter lets pass.
    pub matching: usize,
    /// The number of the first row below.
    pub first: usize,
    /// The rows on screen, and a few above and below.
    pub rows: Vec<Rc<RowFrame>>,
    /// How old they are, when their kind cannot be watched.
    pub listed: Option<String>,
    /// Why there are no rows.
    pub empty: Option<Empty>,
}

impl TableFrame {
    /// The row that is drawn by the element `element` of as many as there are rows: while the window moves, each keeps its
    /// element, and only those that come and go are drawn anew.
    pub fn drawn_by(&self, element: usize) -> Option<&Rc<RowFrame>> {
        let count = self.rows.len().max(1);
        self.rows.get((element + count - self.first % count) % count)
    }
}

/// A heading.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnFrame {
    /// The text.
    pub title: Cow<'static, str>,
    /// How it is set.
    pub style: Style,
    /// How wide the table must be for it.
    pub from: Width,
    /// Sorted by it: whether descending.
    pub sorted: Option<bool>,
}

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub struct RowFrame {
    /// `namespace/name`, or `name`.
    pub key: String,
    /// The resource version.
    pub version: String,
    /// Which row it is, counted from the first.
    pub place: usize,
    /// One text and tone per column shown.
    pub cells: Vec<(String, Tone)>,
    /// The cursor is here.
    pub selected: bool,
    /// Changed just now; alternates from change to change.
    pub tint: Option<bool>,
}

/// Why a table has no rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Empty {
    /// The first list is under way.
    Loading,
    /// There are none.
    None,
    /// None in this namespace.
    NoneHere(String),
    /// There are, but the filter lets none pass.
    NoMatch(usize),
    /// The server refuses, or cannot be reached.
    Trouble(Trouble),
    /// No kind of this name is known.
    UnknownKind,
}

/// The wire panel.
#[derive(Clone, Debug, PartialEq)]
pub struct WireFrame {
    /// One per informer.
    pub lines: Vec<Line>,
    /// Open watches.
    pub watches: usize,
    /// Events per second, now.
    pub rate: f64,
    /// Bytes since the start.
    pub bytes: u64,
    /// Events per second, look by look, the newest last.
    pub history: Vec<f64>,
    /// Every kind is watched.
    pub all: bool,
}

/// What lies over the page.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Overlay {
    /// Nothing.
    #[default]
    None,
    /// The keys.
    Help,
    /// A question before something is done.
    Dialog(Rc<Dialog>),
    /// The palette.
    Palette {
        /// The lines in view.
        choices: Vec<Choice>,
        /// Which of them is selected.
        selected: usize,
    },
    /// The box that names the view on show.
    Naming {
        /// What it holds.
        text: String,
        /// There is a view of this name, which is replaced.
        taken: bool,
    },
}

/// A button that does something to the open object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActFrame {
    /// What.
    pub act: Act,
    /// In a word.
    pub title: &'static str,
    /// Why it is not allowed, when it is not.
    pub denied: Option<String>,
}

/// What came of what the reader did.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// The server has not answered yet.
    Pending(String),
    /// It was done.
    Done(String),
}

/// An object that is being edited.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EditFrame {
    /// As YAML.
    pub text: Rc<str>,
    /// Where in it there is what is not seen, or turns around what is; "" when nowhere.
    pub unseen: Rc<str>,
    /// The reader has written in it.
    pub touched: bool,
    /// Why it may not be changed, when that is known.
    pub denied: Option<String>,
    /// What is wrong with the text, or what the server refused.
    pub problem: Option<Trouble>,
    /// What is under way; "" when nothing is.
    pub busy: &'static str,
    /// What the server says would come of it.
    pub review: Option<Rc<Review>>,
    /// It has been reviewed and can be applied.
    pub ready: bool,
}

/// What would come of an edit.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    /// The lines that would change; none when nothing would.
    pub lines: Vec<changes::Line>,
    /// Who else manages what would change.
    pub conflicts: Vec<Conflict>,
    /// Why that is not known.
    pub unknown: Option<String>,
    /// The reader takes those fields over.
    pub take: bool,
}

impl Review {
    /// Whether something would change, and nobody is in the way whose fields are not to be taken over.
    pub fn grants(&self) -> bool {
        !self.lines.is_empty() && (self.conflicts.is_empty() || self.take)
    }
}

/// Fields that another manager has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// As managedFields names it.
    pub manager: String,
    /// `.spec.replicas`.
    pub fields: Vec<String>,
}
