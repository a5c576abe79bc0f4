//! The palette: one box that finds kinds, objects, namespaces, kept views and commands, the closest first.
//!
//! Invariant: the list is bounded, and the same text over the same state finds the same things in the same order.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::Model;
use super::catalogue::Kind;
use super::keys::{BINDINGS, Binding, Command};
use super::manifest;
use super::order;
use super::scope;
use super::table::Row;
use super::views::View;

/// What a line of the palette leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// The table of a kind.
    Kind(String),
    /// An object.
    Object {
        /// Its kind's name.
        kind: String,
        /// Its key.
        key: String,
    },
    /// These namespaces, as text.
    Namespace(String),
    /// The view of this name.
    View(String),
    /// The end of the view of this name.
    Forget(String),
    /// What a key does.
    Command(Command),
}

impl Target {
    /// The name used in tests and for the eye: what it is.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Kind(_) => "kind",
            Self::Object { .. } => "object",
            Self::Namespace(_) => "namespace",
            Self::View(_) | Self::Forget(_) => "view",
            Self::Command(_) => "command",
        }
    }
}

/// A line of the palette.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Where it leads.
    pub target: Target,
    /// What it is called.
    pub title: String,
    /// What else tells it from others.
    pub hint: String,
}

enum Found<'a> {
    Kind(&'a Kind),
    View(&'a View),
    Namespace(scope::Choice),
    Object(&'a Kind, &'a Row),
    Command(&'static Binding),
    Forget(&'a View),
}

/// How many lines there are at most.
const MOST: usize = 60;

/// What `text` finds.
pub(super) fn search(model: &Model, text: &str) -> Vec<Choice> {
    let text = text.trim().to_ascii_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut found: Vec<(usize, Found<'_>)> = Vec::new();
    let kinds = model.catalogue.search(&text).into_iter();
    found.extend(kinds.map(|(distance, kind)| (distance, Found::Kind(kind))));
    let near = |name: &str, behind: usize| Some(rank(&text, &words, name)? + behind);
    found.extend(model.views.iter().filter_map(|view| Some((near(&view.name, 0)?, Found::View(view)))));
    for choice in scope::choices(&model.route.scope, model.namespaces()) {
        if let Some(rank) = near(choice.label.trim_start_matches(['+', '−', ' ']), 5 + choice.group.len()) {
            found.push((rank, Found::Namespace(choice)));
        }
    }
    let offered = BINDINGS.iter().filter(|binding| model.offers(binding.command));
    let commands = offered.filter_map(|binding| Some((near(binding.help, 20)?, Found::Command(binding))));
    found.extend(commands);
    if !text.is_empty() {
        let gone = model.views.iter().filter_map(|view| {
            Some((near(&format!("Remove the view {}", view.name), 500)?, Found::Forget(view)))
        });
        found.extend(gone);
        // Events are named after what they tell of; nobody looks for one by its name.
        let kinds = model.catalogue.kinds().filter(|kind| kind.id != "events");
        for (kind, table) in kinds.filter_map(|kind| Some((kind, model.tables.get(&kind.id)?))) {
            let rows = table.rows().filter_map(|row| Some((row, object_rank(&text, &words, &row.key)?)));
            found.extend(rows.map(|(row, rank)| (rank + 10, Found::Object(kind, row))));
        }
    }
    order::first(found, MOST, by_rank).into_iter().map(|(_, found)| found.choice()).collect()
}

/// The closest first; of objects as close as each other in the order of their keys, of others as they were found.
fn by_rank(left: &(usize, Found<'_>), right: &(usize, Found<'_>)) -> Ordering {
    left.0.cmp(&right.0).then_with(|| left.1.key().cmp(&right.1.key()))
}

/// How far `name` is from `text`: not at all, begins with it, holds all its words.
fn rank(text: &str, words: &[&str], name: &str) -> Option<usize> {
    let name = match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    };
    match () {
        () if name == text => Some(2),
        () if name.starts_with(text) => Some(60 + name.len().min(30)),
        () if words.iter().all(|word| name.contains(word)) => Some(200 + name.len().min(250)),
        () => None,
    }
}

/// The same for a key: its name counts, and all of it when the words are parted over both.
fn object_rank(text: &str, words: &[&str], key: &str) -> Option<usize> {
    let (_, name) = manifest::parts(key);
    rank(text, words, name).or_else(|| rank(text, words, key))
}

impl Found<'_> {
    fn key(&self) -> (&str, &str) {
        match self {
            Self::Object(kind, row) => (&row.key, &kind.id),
            _ => ("", ""),
        }
    }

    fn choice(self) -> Choice {
        let (target, title, hint) = match self {
            Self::Kind(kind) => {
                (Target::Kind(kind.id.clone()), kind.title.clone(), kind.resource.api_version())
            }
            Self::View(view) => (Target::View(view.name.clone()), view.name.clone(), "view".to_owned()),
            Self::Namespace(choice) => {
                (Target::Namespace(choice.value), choice.label, "namespace".to_owned())
            }
            Self::Object(kind, row) => {
                let target = Target::Object { kind: kind.id.clone(), key: row.key.clone() };
                (target, row.key.clone(), kind.resource.kind.to_string())
            }
            Self::Command(binding) => {
                (Target::Command(binding.command), binding.help.to_owned(), binding.label.to_owned())
            }
            Self::Forget(view) => (
                Target::Forget(view.name.clone()),
                format!("Remove the view {}", view.name),
                "view".to_owned(),
            ),
        };
        let [title, hint] = [title, hint].map(|text| super::reveal::line(&text).into_owned());
        Choice { target, title, hint }
    }
}
