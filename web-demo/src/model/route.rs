//! Where the reader is, as the address's hash says it: `#/pods?ns=default&q=web&sort=-restarts&open=default%2Fweb-1`.
//!
//! Invariant: the hash is the whole state of the view; `Route::parse(route.hash()) == route` for every route.

use super::choice::Choice;
use super::scope::Scope;

/// What the page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// The kind of the table, such as `pods` or `deployments.apps`; `None` is the overview.
    pub kind: Option<String>,
    /// The namespaces on show.
    pub scope: Scope,
    /// What the filter box holds.
    pub filter: String,
    /// The column sorted by and whether descending; `None` is the table's own order.
    pub sort: Option<Sort>,
    /// The key of the object whose detail is open.
    pub open: Option<String>,
    /// What the detail shows of it.
    pub pane: Pane,
    /// Which of its logs, and how.
    pub choice: Choice,
    /// The wire panel is open.
    pub wire: bool,
    /// Every kind is watched, not only those on show.
    pub all: bool,
}

/// What the detail shows of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// What matters about it.
    #[default]
    Facts,
    /// All of it.
    Yaml,
    /// The same, to be changed.
    Edit,
    /// What its containers write.
    Logs,
    /// A shell in one of its containers.
    Terminal,
    /// Who made it, and whom it made.
    Owners,
}

/// The kinds whose objects are pods or make pods, themselves or through others that the page watches.
const LOGGED: [&str; 7] = [
    "pods",
    "deployments.apps",
    "replicasets.apps",
    "statefulsets.apps",
    "daemonsets.apps",
    "jobs.batch",
    "replicationcontrollers",
];

impl Pane {
    /// All of them, in the order of their tabs.
    pub const ALL: [Self; 6] =
        [Self::Facts, Self::Yaml, Self::Edit, Self::Logs, Self::Terminal, Self::Owners];

    /// Whether there is such a thing of an object of `kind`: logs of what makes pods, a terminal of a pod.
    pub fn fits(self, kind: &str) -> bool {
        match self {
            Self::Facts | Self::Yaml | Self::Edit | Self::Owners => true,
            Self::Terminal => kind == "pods",
            Self::Logs => LOGGED.contains(&kind),
        }
    }

    /// Itself where it fits `kind`, else the facts.
    pub fn of(self, kind: &str) -> Self {
        if self.fits(kind) { self } else { Self::default() }
    }

    /// Its name in the address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Facts => "facts",
            Self::Yaml => "yaml",
            Self::Edit => "edit",
            Self::Logs => "logs",
            Self::Terminal => "terminal",
            Self::Owners => "owners",
        }
    }

    /// The text of its tab.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Facts => "Facts",
            Self::Yaml => "YAML",
            Self::Edit => "Edit",
            Self::Logs => "Logs",
            Self::Terminal => "Terminal",
            Self::Owners => "Owners",
        }
    }

    fn parse(name: &str) -> Self {
        Self::ALL.into_iter().find(|pane| pane.name() == name).unwrap_or_default()
    }
}

/// A column and a direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The column's title in lower case.
    pub column: String,
    /// Largest first.
    pub descending: bool,
}

impl Route {
    /// Reads a hash; what it does not know it leaves out.
    pub fn parse(hash: &str) -> Self {
        let hash = hash.trim_start_matches('#').trim_start_matches('/');
        let (kind, query) = hash.split_once('?').unwrap_or((hash, ""));
        let mut route = Self { kind: (!kind.is_empty()).then(|| kind.to_owned()), ..Self::default() };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "ns" => route.scope = Scope::parse(&value),
                "q" => route.filter = value.into_owned(),
                "sort" => route.sort = Sort::parse(&value),
                "open" => route.open = Some(value.into_owned()),
                "pane" => route.pane = Pane::parse(&value),
                "wire" => route.wire = value == "1",
                "all" => route.all = value == "1",
                name => route.choice.take(name, &value),
            }
        }
        route
    }

    /// As a hash.
    pub fn hash(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let mut put = |name: &str, value: &str| {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        };
        put("ns", &self.scope.text());
        put("q", &self.filter);
        put("sort", &self.sort.as_ref().map(Sort::text).unwrap_or_default());
        put("open", self.open.as_deref().unwrap_or_default());
        put("pane", if self.pane == Pane::default() { "" } else { self.pane.name() });
        for (name, value) in self.choice.parameters() {
            put(name, &value);
        }
        put("wire", if self.wire { "1" } else { "" });
        put("all", if self.all { "1" } else { "" });
        let query = query.finish();
        let kind = self.kind.as_deref().unwrap_or_default();
        if query.is_empty() { format!("#/{kind}") } else { format!("#/{kind}?{query}") }
    }

    /// The same place with another table, the overview for `None`: namespace and panels stay.
    pub fn to(&self, kind: Option<&str>) -> Self {
        Self {
            kind: kind.map(ToOwned::to_owned),
            scope: self.scope.clone(),
            wire: self.wire,
            all: self.all,
            ..Self::default()
        }
    }
}

impl Sort {
    fn parse(text: &str) -> Option<Self> {
        let (descending, column) = text.strip_prefix('-').map_or((false, text), |column| (true, column));
        (!column.is_empty()).then(|| Self { column: column.to_owned(), descending })
    }

    fn text(&self) -> String {
        format!("{}{}", if self.descending { "-" } else { "" }, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_reads_back_as_it_was_written() {
        let route = Route {
            kind: Some("deployments.apps".into()),
            scope: Scope::parse("team a/b,shop"),
            filter: "is:unready app=web & more #1?".into(),
            sort: Some(Sort { column: "up to date".into(), descending: true }),
            open: Some("default/web".into()),
            pane: Pane::Logs,
            choice: Choice {
                pod: "web".into(),
                container: "a b".into(),
                previous: true,
                still: true,
                times: true,
                only: true,
                find: "x&y".into(),
                tail: 100,
            },
            wire: true,
            all: true,
        };
        assert_eq!(Route::parse(&route.hash()), route);
        assert_eq!(Route::parse(&Route::default().hash()), Route::default());
        assert_eq!(Route::default().hash(), "#/");
    }

    #[test]
    fn junk_in_the_address_is_left_out() {
        let route = Route::parse("#/pods?zap=1&sort=-&pane=9&tail=7&log=up&wire=maybe&%%%=x");
        assert_eq!(route, Route { kind: Some("pods".into()), ..Route::default() });
        assert_eq!(Route::parse(""), Route::default());
    }
}
