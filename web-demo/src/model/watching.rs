//! What the page watches: which informers run, and what their objects are put into.

use portolan::meta::ApiResource;

use super::age::Millis;
use super::catalogue::Kind;
use super::columns::{self, Plan};
use super::manifest::Manifest;
use super::route::Pane;
use super::table::Table;
use super::trouble::Trouble;
use super::wire::{self, Figures};
use super::{Model, Wanted, printed};

impl Model {
    /// The informers that should run: on the page's own kinds, the one on show, and all of them when asked; in the chosen
    /// namespaces where the whole cluster is refused. A kind of which the page knows no columns needs its definition. Beside
    /// an owner tree the metadata of every other kind.
    pub fn wanted(&self) -> Vec<Wanted> {
        let informer = |kind: &Kind| {
            let metadata = self.is_only_for_the_tree(kind);
            let narrowed = self.narrowed.contains(&kind.id) && !self.route.scope.is_empty();
            let namespaces = match kind.resource.namespaced {
                true if metadata => vec![self.home().to_owned()],
                true if narrowed => self.route.scope.names().map(str::to_owned).collect(),
                _ => vec![String::new()],
            };
            let only = self.defined().filter(|_| !metadata && !self.is_watched_in_full(kind));
            let name = only.unwrap_or_default().to_owned();
            Wanted { kind: kind.id.clone(), resource: kind.resource.clone(), namespaces, metadata, name }
        };
        let defines = |kind: &Kind| kind.id == printed::DEFINITIONS && self.defined().is_some();
        let wanted =
            |kind: &&Kind| self.is_watched_in_full(kind) || self.is_only_for_the_tree(kind) || defines(kind);
        self.catalogue.kinds().filter(|kind| kind.live).filter(wanted).map(informer).collect()
    }

    pub(super) fn is_watched_in_full(&self, kind: &Kind) -> bool {
        let all = self.watch_all || self.route.all;
        // In the tree definitions stand beside all other objects; elsewhere one is enough.
        let in_tree = || self.pane_on_show() == Some(Pane::Owners);
        let defines = || kind.id == printed::DEFINITIONS && self.defined().is_some() && in_tree();
        all || kind.core || self.route.kind.as_deref() == Some(kind.id.as_str()) || defines()
    }

    /// The kind on show, when the page knows no columns of it: its definition says which there are.
    pub(super) fn defined(&self) -> Option<&str> {
        self.route.kind.as_deref().filter(|shown| columns::known(shown, true).is_none())
    }

    pub(super) fn look(&mut self, kind: &str, figures: Figures, now: Millis) {
        // What is refused to the tree is refused in one namespace already.
        let narrows = |kind: &Kind| kind.resource.namespaced && !self.is_only_for_the_tree(kind);
        let narrows = self.catalogue.kind(kind).is_some_and(narrows);
        let forbidden = figures.last_error.as_ref().is_some_and(Trouble::forbids);
        if narrows && forbidden && !figures.synced && figures.phase == wire::Phase::Retrying {
            self.narrowed.insert(kind.to_owned());
        }
        self.wire.look(kind, figures, now);
    }

    pub(super) fn put(&mut self, kind: &str, object: Manifest, changed: Option<Millis>) {
        let Some(known) = self.catalogue.kind(kind) else { return };
        if let Some(family) = &mut self.inspect.family {
            family.put(kind, &object);
        }
        if self.is_only_for_the_tree(known) {
            return;
        }
        self.capacity.put(kind, &object);
        self.server_tables.changed(kind);
        let defines = (kind == printed::DEFINITIONS).then(|| object.key());
        if !self.tables.contains_key(kind) {
            self.tables.insert(kind.to_owned(), Table::new(self.plan(known)));
        }
        if let Some(table) = self.tables.get_mut(kind) {
            table.put(object, changed);
        }
        if let Some(defined) = defines {
            self.learn(&defined);
        }
    }

    pub(super) fn remove(&mut self, kind: &str, key: &str) {
        self.capacity.remove(kind, key);
        self.server_tables.changed(kind);
        if let Some(family) = &mut self.inspect.family {
            family.remove(kind, key);
        }
        if let Some(table) = self.tables.get_mut(kind) {
            table.remove(key);
        }
    }

    /// Kinds that have come may be defined by what is there already.
    pub(super) fn discover(&mut self, watchable: Vec<ApiResource>, listable: Vec<ApiResource>) {
        self.catalogue.discover(watchable, listable);
        let definitions = self.tables.get(printed::DEFINITIONS).into_iter().flat_map(Table::rows);
        let unread = definitions.filter(|row| !self.plans.contains_key(&row.key)).map(|row| row.key.clone());
        for kind in unread.collect::<Vec<_>>() {
            self.learn(&kind);
        }
    }

    /// Reads the columns of `id` from its definition, and shows it by them from now on.
    pub(super) fn learn(&mut self, id: &str) {
        let definition = self.tables.get(printed::DEFINITIONS).and_then(|table| table.row(id));
        let (Some(definition), Some(kind)) = (definition, self.catalogue.kind(id)) else { return };
        let (version, namespaced) = (&kind.resource.version, kind.resource.namespaced);
        let Some(plan) = printed::custom(&definition.object, version, namespaced) else { return };
        let known = self.plans.insert(id.to_owned(), plan.clone());
        let news = known.is_none_or(|known| known != plan);
        if let Some(table) = self.tables.get_mut(id).filter(|_| news) {
            table.replan(plan);
        }
    }

    /// The columns of `kind`: those the page knows, those of its definition or the server, or what every object has.
    pub(super) fn plan(&self, kind: &Kind) -> Plan {
        let (id, namespaced) = (kind.id.as_str(), kind.resource.namespaced);
        columns::known(id, namespaced)
            .or_else(|| self.plans.get(id).cloned())
            .unwrap_or_else(|| columns::generic(namespaced))
    }
}
