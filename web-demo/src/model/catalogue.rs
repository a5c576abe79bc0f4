//! The kinds the page knows: those it always watches and whatever discovery finds.
//!
//! Invariant: a kind is named by its plural and group (`pods`, `deployments.apps`), once, whatever its version.

use portolan::meta::ApiResource;

use super::order;
use super::reveal::line;

/// The kinds always watched, in the order of the navigation. Namespaces feed the namespace switch.
pub const CORE: &[(&str, &str, &str, bool)] = &[
    ("v1", "Pod", "pods", true),
    ("apps/v1", "Deployment", "deployments", true),
    ("apps/v1", "ReplicaSet", "replicasets", true),
    ("v1", "Service", "services", true),
    ("v1", "ConfigMap", "configmaps", true),
    ("v1", "Node", "nodes", false),
    ("v1", "Namespace", "namespaces", false),
    ("v1", "Event", "events", true),
];

/// The short names people type, and the kinds they mean.
const SHORT_NAMES: &[(&str, &str)] = &[
    ("po", "pods"),
    ("deploy", "deployments.apps"),
    ("rs", "replicasets.apps"),
    ("svc", "services"),
    ("no", "nodes"),
    ("ns", "namespaces"),
    ("ev", "events"),
    ("cm", "configmaps"),
    ("sts", "statefulsets.apps"),
    ("ds", "daemonsets.apps"),
    ("cj", "cronjobs.batch"),
    ("pvc", "persistentvolumeclaims"),
    ("pv", "persistentvolumes"),
    ("sa", "serviceaccounts"),
    ("ing", "ingresses.networking.k8s.io"),
    ("hpa", "horizontalpodautoscalers.autoscaling"),
    ("crd", "customresourcedefinitions.apiextensions.k8s.io"),
    ("sc", "storageclasses.storage.k8s.io"),
    ("ep", "endpoints"),
    ("netpol", "networkpolicies.networking.k8s.io"),
    ("pdb", "poddisruptionbudgets.policy"),
    ("quota", "resourcequotas"),
    ("limits", "limitranges"),
];

/// One kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// `pods`, `deployments.apps`.
    pub id: String,
    /// As read aloud: `Pods`, `Replica sets`.
    pub title: String,
    /// What to ask the server for.
    pub resource: ApiResource,
    /// One of the page's own.
    pub core: bool,
    /// It can be watched.
    pub live: bool,
}

/// Every kind known.
#[derive(Debug)]
pub struct Catalogue {
    core: Vec<Kind>,
    /// By their names.
    found: Vec<Kind>,
}

impl Default for Catalogue {
    fn default() -> Self {
        let core = CORE.iter().filter_map(|(api_version, kind, plural, namespaced)| {
            let resource = ApiResource::new(api_version, kind, plural, *namespaced).ok()?;
            Some(Kind { core: true, ..Kind::new(resource) })
        });
        Self { core: core.collect(), found: Vec::new() }
    }
}

impl Catalogue {
    /// Takes what discovery found: resources that can be listed and watched, and those that can only be listed.
    pub fn discover(&mut self, watchable: Vec<ApiResource>, listable: Vec<ApiResource>) {
        let known = |resource: &ApiResource| {
            let id = resource.to_string();
            // The newer group's events are the core group's under another name.
            self.core.iter().any(|kind| kind.id == id) || id == "events.events.k8s.io"
        };
        let listable = listable.into_iter().map(|resource| (resource, false));
        let found = watchable.into_iter().map(|resource| (resource, true)).chain(listable);
        let fresh = found.filter(|(resource, _)| !known(resource));
        self.found = fresh.map(|(resource, live)| Kind { live, ..Kind::new(resource) }).collect();
        order::sort(&mut self.found, |left, right| left.id.cmp(&right.id));
        self.found.dedup_by(|left, right| left.id == right.id);
    }

    /// The page's own kinds, then the found ones by group and name.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.core.iter().chain(&self.found)
    }

    /// The kind named `id`.
    pub fn kind(&self, id: &str) -> Option<&Kind> {
        let found = || self.found.binary_search_by(|kind| kind.id.as_str().cmp(id)).ok();
        self.core.iter().find(|kind| kind.id == id).or_else(|| self.found.get(found()?))
    }

    /// The kinds whose short name or initials are `text`, or whose name or group holds its letters in order and close
    /// together, the closest first, each with its distance.
    pub fn search(&self, text: &str) -> Vec<(usize, &Kind)> {
        let text = text.to_ascii_lowercase();
        let mut found: Vec<(usize, &Kind)> =
            self.kinds().filter_map(|kind| Some((distance(&text, kind)?, kind))).collect();
        order::sort(&mut found, |left, right| left.0.cmp(&right.0));
        found
    }
}

impl Kind {
    fn new(resource: ApiResource) -> Self {
        let title = line(&title(&resource)).into_owned();
        Self { id: resource.to_string(), title, resource, core: false, live: true }
    }
}

/// `ReplicaSet` and `replicasets` make `Replica sets`, `CSIDriver` and `csidrivers` make `CSI drivers`.
fn title(resource: &ApiResource) -> String {
    let letters: Vec<char> = resource.kind.chars().collect();
    let upper = |at: usize| letters.get(at).is_some_and(char::is_ascii_uppercase);
    let mut words = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let in_acronym = upper(at) && (at + 1 == letters.len() || upper(at + 1));
        if at > 0 && upper(at) && (!upper(at - 1) || !in_acronym) {
            words.push(' ');
        }
        words.push(if at == 0 || in_acronym { *letter } else { letter.to_ascii_lowercase() });
    }
    let (kind, plural) = (resource.kind.to_ascii_lowercase(), resource.plural.as_ref());
    match plural.strip_prefix(kind.as_str()) {
        Some(ending) => words + ending,
        None if plural.ends_with("ies") && words.ends_with('y') => {
            words[..words.len() - 1].to_owned() + "ies"
        }
        None => words,
    }
}

fn distance(text: &str, kind: &Kind) -> Option<usize> {
    let plural = kind.resource.plural.as_ref();
    let initials: String = kind.resource.kind.chars().filter(char::is_ascii_uppercase).collect();
    if SHORT_NAMES.contains(&(text, kind.id.as_str())) {
        return Some(0);
    }
    if text.len() > 1 && initials.eq_ignore_ascii_case(text) {
        return Some(1);
    }
    if plural.starts_with(text) {
        return Some(plural.len());
    }
    if plural.contains(text) {
        return Some(100 + plural.len());
    }
    let whole = format!("{} {}", kind.id, kind.title.to_ascii_lowercase());
    let span = (0..whole.len()).filter_map(|start| span(text, whole.get(start..)?)).min()?;
    (span <= 2 * text.len()).then_some(1_000 + whole.len())
}

/// How far into `whole`, which begins with the first letter of `text`, all its letters are found in order.
fn span(text: &str, whole: &str) -> Option<usize> {
    let mut letters = whole.char_indices();
    let mut end = 0;
    for (place, wanted) in text.chars().enumerate() {
        let (at, _) = letters.find(|&(at, letter)| letter == wanted && (place > 0 || at == 0))?;
        end = at + 1;
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(api_version: &str, kind: &str, plural: &str) -> ApiResource {
        ApiResource::new(api_version, kind, plural, true).unwrap()
    }

    #[test]
    fn titles_read_as_words() {
        let titles = [
            ("ReplicaSet", "replicasets"),
            ("NetworkPolicy", "networkpolicies"),
            ("CSIDriver", "csidrivers"),
            ("Ingress", "ingresses"),
            ("Endpoints", "endpoints"),
        ]
        .map(|(kind, plural)| title(&resource("v1", kind, plural)));
        assert_eq!(titles, ["Replica sets", "Network policies", "CSI drivers", "Ingresses", "Endpoints"]);
    }

    #[test]
    fn discovery_adds_and_never_doubles() {
        let mut catalogue = Catalogue::default();
        let own = catalogue.kinds().count();
        assert_eq!(own, CORE.len());
        catalogue.discover(
            vec![
                resource("v1", "Pod", "pods"),
                resource("example.com/v1", "Widget", "widgets"),
                resource("events.k8s.io/v1", "Event", "events"),
            ],
            vec![resource("metrics.k8s.io/v1beta1", "PodMetrics", "pods")],
        );
        assert_eq!(catalogue.kinds().count(), own + 2);
        let kind = |id| catalogue.kind(id).map(|kind| (kind.title.as_str(), kind.live));
        assert_eq!(kind("widgets.example.com"), Some(("Widgets", true)));
        assert_eq!(kind("pods.metrics.k8s.io"), Some(("Pod metrics", false)));
    }

    #[test]
    fn a_jump_finds_the_closest_first() {
        let mut catalogue = Catalogue::default();
        catalogue
            .discover(vec![resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")], vec![]);
        let ids: Vec<_> = catalogue.search("pod").into_iter().map(|(_, kind)| kind.id.as_str()).collect();
        assert_eq!(ids[..2], ["pods", "poddisruptionbudgets.policy"]);
        assert_eq!(catalogue.search("rs")[0].1.id, "replicasets.apps");
        assert!(catalogue.search("zzz").is_empty());
    }

    #[test]
    fn short_names_lead_to_their_kinds_and_letters_far_apart_to_none() {
        let mut catalogue = Catalogue::default();
        catalogue.discover(
            vec![
                resource("apps/v1", "StatefulSet", "statefulsets"),
                resource("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
                resource("networking.k8s.io/v1", "Ingress", "ingresses"),
                resource("storage.k8s.io/v1", "StorageClass", "storageclasses"),
                resource("metrics.k8s.io/v1beta1", "PodMetrics", "pods"),
            ],
            vec![],
        );
        for (short, id) in [("ns", "namespaces"), ("sts", "statefulsets.apps"), ("svc", "services")]
            .iter()
            .chain(&[("po", "pods"), ("no", "nodes"), ("sc", "storageclasses.storage.k8s.io")])
        {
            assert_eq!(catalogue.search(short)[0].1.id, *id, "{short}");
        }
        assert_eq!(catalogue.search("netpo")[0].1.id, "networkpolicies.networking.k8s.io", "close together");
        assert_eq!(catalogue.search("cfgmap")[0].1.id, "configmaps");
        let far: Vec<_> = catalogue.search("rnt").into_iter().map(|(_, kind)| kind.id.as_str()).collect();
        assert!(!far.contains(&"ingresses.networking.k8s.io"), "{far:?}");
    }
}
