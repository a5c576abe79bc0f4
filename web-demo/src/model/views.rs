//! Views kept under a name: the address's hash is the whole view, so a name and a hash are all of it.
//!
//! Invariant: what is kept is read back as it was, and what was written by others is left out, never followed: a view
//! leads to a place on this page or it is none.

use serde::{Deserialize, Serialize};

use super::reveal::line;
use super::route::Route;

/// A view and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The name.
    pub name: String,
    /// The address's hash.
    pub hash: String,
}

/// The views that are kept, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Views(Vec<View>);

/// The longest name, in letters, and the most views.
const LONGEST: usize = 60;
const MOST: usize = 100;

impl Views {
    /// Reads what [`Views::text`] wrote; of anything else what it can.
    pub fn parse(text: &str) -> Self {
        let kept: Vec<serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
        let mut views = Self::default();
        for view in kept.into_iter().filter_map(|view| serde_json::from_value::<View>(view).ok()) {
            if view.hash.starts_with("#/") {
                views.save(&view.name, &Route::parse(&view.hash));
            }
        }
        views
    }

    /// As it is kept.
    pub fn text(&self) -> String {
        serde_json::json!(self.0).to_string()
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &View> {
        self.0.iter()
    }

    /// The view of this name.
    pub fn find(&self, name: &str) -> Option<&View> {
        self.0.iter().find(|view| view.name == name)
    }

    /// Keeps `route` under `name`, in place of what had that name; a name of nothing keeps nothing.
    pub fn save(&mut self, name: &str, route: &Route) {
        let name: String = line(name.trim()).chars().take(LONGEST).collect();
        if name.is_empty() {
            return;
        }
        self.remove(&name);
        let place = self.0.partition_point(|view| view.name < name);
        self.0.insert(place, View { name, hash: route.hash() });
        self.0.truncate(MOST);
    }

    /// Keeps the view of this name no longer.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|view| view.name != name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_kept_by_name_and_read_back() {
        let mut views = Views::default();
        views.save(" Web pods ", &Route::parse("#/pods?ns=shop&q=web"));
        views.save("All <b>", &Route::parse("#/"));
        views.save("Web pods", &Route::parse("#/pods?ns=bank"));
        views.save("  ", &Route::default());
        let names: Vec<_> = views.iter().map(|view| view.name.as_str()).collect();
        assert_eq!(names, ["All <b>", "Web pods"]);
        assert_eq!(views.find("Web pods").unwrap().hash, "#/pods?ns=bank");
        assert_eq!(Views::parse(&views.text()), views);
        views.remove("All <b>");
        assert_eq!(views.iter().count(), 1);
    }

    #[test]
    fn what_others_wrote_is_left_out() {
        for text in [
            "",
            "null",
            "{}",
            "[1, {\"name\": 3}]",
            "not json",
            r##"[{"name": "x", "hash": "javascript:alert(1)"}]"##,
        ] {
            assert_eq!(Views::parse(text), Views::default(), "{text}");
        }
        let kept = Views::parse(r##"[7, {"name": "ok", "hash": "#/pods?evil=1", "more": true}]"##);
        assert_eq!(kept.find("ok").unwrap().hash, "#/pods");
        let many: Vec<View> = (0..500)
            .map(|place| View { name: format!("{place}{}", "x".repeat(500)), hash: "#/".into() })
            .collect();
        let kept = Views::parse(&serde_json::to_string(&many).unwrap());
        assert!(kept.iter().count() == MOST && kept.iter().all(|view| view.name.chars().count() == LONGEST));
    }
}
