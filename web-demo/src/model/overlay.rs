//! What lies over the page: the keys, the palette, the box that names a view, and what is asked before something is done.
//!
//! Invariant: while something lies there, no key reaches what is beneath.

use super::age::Millis;
use super::keys::{self, Command};
use super::palette::{self, Target};
use super::{Errand, Event, Model, Shown};

impl Model {
    /// Takes a key when something lies over the page, and says whether it did.
    pub(super) fn key_over(&mut self, key: &str, typing: bool, now: Millis) -> bool {
        match &mut self.overlay {
            Shown::Nothing => return false,
            Shown::Help => {
                let command = keys::command(key, typing);
                if let Some(command @ (Command::Close | Command::Help | Command::Theme)) = command {
                    self.command(command, now);
                }
            }
            Shown::Palette { found, selected, .. } => match key {
                "ArrowDown" => *selected = (*selected + 1).min(found.len().saturating_sub(1)),
                "ArrowUp" => *selected = selected.saturating_sub(1),
                "Enter" => {
                    if let Some(choice) = found.get(*selected) {
                        let target = choice.target.clone();
                        self.choose(target, now);
                    }
                }
                "Escape" | "Ctrl+k" => self.close(),
                _ => {}
            },
            Shown::Dialog(_) => match key {
                "Enter" => self.confirm(now),
                "Escape" => self.close(),
                _ => {}
            },
            Shown::Naming { text } => match key {
                "Enter" => {
                    let name = std::mem::take(text);
                    self.save_view(&name);
                }
                "Escape" => self.close(),
                _ => {}
            },
        }
        true
    }

    /// Opens the palette with what `text` finds. Until the next text, or the next look, Enter takes what is drawn.
    pub(super) fn find(&mut self, text: String) {
        let found = palette::search(self, &text);
        self.overlay = Shown::Palette { text, found, selected: 0 };
    }

    /// Finds again what the palette shows, after changes in the cluster; the same line stays selected.
    pub(super) fn find_again(&mut self) {
        let Shown::Palette { text, found, selected } = &self.overlay else { return };
        let chosen = found.get(*selected).map(|choice| choice.target.clone());
        let found = palette::search(self, text);
        let selected = found.iter().position(|choice| Some(&choice.target) == chosen.as_ref()).unwrap_or(0);
        self.overlay = Shown::Palette { text: text.clone(), found, selected };
    }

    /// Does what was chosen in the palette.
    pub(super) fn choose(&mut self, target: Target, now: Millis) {
        self.overlay = Shown::Nothing;
        self.errands.push_back(Errand::FocusRows);
        match target {
            Target::Kind(kind) => self.went(self.route.to(Some(&kind))),
            Target::Object { kind, key } => {
                self.went(self.route.to(Some(&kind)));
                self.open(key);
            }
            Target::Namespace(names) => self.apply(Event::Namespace(names), now),
            Target::View(name) => {
                let hash = self.views.find(&name).map(|view| view.hash.clone());
                if let Some(hash) = hash {
                    self.went(super::Route::parse(&hash));
                }
            }
            Target::Forget(name) => self.remove_view(&name),
            Target::Command(command) => self.command(command, now),
        }
    }

    /// Opens the box that names the view on show, with a name that says what it is.
    pub(super) fn name_view(&mut self) {
        let mut text = self.place().to_owned();
        if !self.route.scope.is_empty() {
            text.push_str(" in ");
            text.push_str(&self.route.scope.words());
        }
        if !self.route.filter.trim().is_empty() {
            text.push_str(": ");
            text.push_str(self.route.filter.trim());
        }
        self.overlay = Shown::Naming { text };
        self.errands.push_back(Errand::FocusName);
    }

    /// Keeps the view on show under `name`.
    pub(super) fn save_view(&mut self, name: &str) {
        self.overlay = Shown::Nothing;
        self.views.save(name, &self.route);
        self.errands.extend([Errand::FocusRows, Errand::KeepViews]);
    }

    /// Keeps the view of this name no longer.
    pub(super) fn remove_view(&mut self, name: &str) {
        self.views.remove(name);
        self.errands.push_back(Errand::KeepViews);
    }
}
