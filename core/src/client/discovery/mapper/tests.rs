//! The cases of client-go 0.37's and apimachinery 0.37's mapper tests, each named after its origin.

use std::sync::Arc;

use super::{RestMapper, guess, pick};
use crate::client::discovery::{DiscoveredGroup, DiscoveredResource, DiscoveredVersion, Discovery};
use crate::error::Error;
use crate::meta::{ApiResource, GroupVersion, GroupVersionResource};

/// A mapper of lines like `apps/v1 deployments:Deployment:deployment:deploy,dp:all`: plural, kind, singular, short names,
/// categories; what follows the kind may be left out. Versions of one group follow each other, the preferred one first.
fn mapper(lines: &[&str]) -> RestMapper {
    let mut discovery = Discovery::default();
    for line in lines {
        let mut words = line.split(' ');
        let (group, version) = words.next().unwrap().split_once('/').unwrap();
        let resources = words.map(|word| resource(group, version, word)).collect();
        let version = DiscoveredVersion { version: version.to_owned(), resources, orphans: Vec::new() };
        match discovery.groups.last_mut().filter(|last| last.name == group) {
            Some(last) => last.versions.push(version),
            None => discovery.groups.push(DiscoveredGroup {
                name: group.to_owned(),
                preferred: version.version.clone(),
                versions: vec![version],
            }),
        }
    }
    RestMapper::new(Arc::new(discovery))
}

fn resource(group: &str, version: &str, word: &str) -> DiscoveredResource {
    let mut parts = word.split(':');
    let mut part = || parts.next().unwrap_or_default();
    let (plural, kind, singular, short, categories) = (part(), part(), part(), part(), part());
    let many = |text: &str| text.split(',').filter(|text| !text.is_empty()).map(str::to_owned).collect();
    DiscoveredResource {
        resource: ApiResource {
            group: group.to_owned().into(),
            version: version.to_owned().into(),
            kind: kind.to_owned().into(),
            plural: plural.to_owned().into(),
            namespaced: true,
        },
        singular: singular.to_owned(),
        short_names: many(short),
        categories: many(categories),
        verbs: Vec::new(),
        subresources: Vec::new(),
    }
}

/// `group/version resource`, either of which may be empty.
fn gvr(text: &str) -> GroupVersionResource {
    let (group_version, resource) = text.split_once(' ').unwrap_or(("/", text));
    let (group, version) = group_version.split_once('/').unwrap();
    GroupVersionResource {
        group: group.to_owned().into(),
        version: version.to_owned().into(),
        resource: resource.to_owned().into(),
    }
}

fn kind_for(mapper: &RestMapper, asked: &str) -> Result<String, Error> {
    mapper.kind_for(&gvr(asked)).map(|kind| format!("{}/{} {}", kind.group, kind.version, kind.kind))
}

fn resource_for(mapper: &RestMapper, asked: &str) -> Result<String, Error> {
    mapper
        .resource_for(&gvr(asked))
        .map(|found| format!("{}/{} {}", found.group, found.version, found.resource))
}

fn kinds_for(mapper: &RestMapper, asked: &str) -> Vec<String> {
    let found = mapper.kinds_for(&gvr(asked)).unwrap();
    found.iter().map(|kind| format!("{} {}", kind.group, kind.kind)).collect()
}

fn resources_for(mapper: &RestMapper, asked: &str) -> Vec<String> {
    let found = mapper.resources_for(&gvr(asked)).unwrap();
    found.iter().map(|found| format!("{} {}", found.group, found.resource)).collect()
}

fn mapped(mapper: &RestMapper, group: &str, kind: &str, versions: &[&str]) -> Result<String, Error> {
    mapper.rest_mapping(group, kind, versions).map(|found| format!("{} {}", found.version, found.plural))
}

/// TestRESTMapper of restmapper/discovery_test.go.
#[test]
fn preferred_versions_come_first_and_the_core_group_before_all() {
    let mapper = mapper(&[
        "extensions/v1beta jobs:Job pods:Pod",
        "/v1 pods:Pod",
        "/v2 pods:Pod",
        "unpreferred/v1 broccoli:Broccoli",
        "unpreferred/v2beta1 broccoli:Broccoli peas:Pea",
        "unpreferred/v2alpha1 broccoli:Broccoli peas:Pea",
    ]);
    for (asked, kind, resource) in [
        ("pods", "/v1 Pod", "/v1 pods"),
        ("/v1 pods", "/v1 Pod", "/v1 pods"),
        ("/v2 pods", "/v2 Pod", "/v2 pods"),
        ("jobs", "extensions/v1beta Job", "extensions/v1beta jobs"),
        ("peas", "unpreferred/v2beta1 Pea", "unpreferred/v2beta1 peas"),
        ("Pods", "/v1 Pod", "/v1 pods"),
        ("pod", "/v1 Pod", "/v1 pods"),
        ("extensions/ pods", "extensions/v1beta Pod", "extensions/v1beta pods"),
        ("ext/ job", "extensions/v1beta Job", "extensions/v1beta jobs"),
        ("extensions/__internal jobs", "extensions/v1beta Job", "extensions/v1beta jobs"),
    ] {
        assert_eq!(kind_for(&mapper, asked).unwrap(), kind, "{asked}");
        assert_eq!(resource_for(&mapper, asked).unwrap(), resource, "{asked}");
    }
}

/// TestRESTMapperKindsFor and TestRESTMapperResourcesFor of restmapper_test.go.
#[test]
fn all_that_may_be_meant_is_told_in_order() {
    let one = ["first-group-1/v my-kinds:my-kind", "first-group/v my-kinds:my-kind"];
    let two = ["second-group/v my-kinds:my-kind", "first-group/v my-kinds:my-kind"];
    let four = [
        "second-group/v my-kinds:my-kind your-kinds:your-kind",
        "first-group/v my-kinds:my-kind your-kinds:your-kind",
    ];
    let swapped = [four[1], four[0]];
    for (groups, asked, expected) in [
        (&one, "first-group/", "first-group"),
        (&two, "first/", "first-group"),
        (&one, "first/", "first-group-1 first-group"),
        (&four, "/", "second-group first-group"),
        (&four, "first-group/", "first-group"),
        (&swapped, "/v", "first-group second-group"),
    ] {
        let mapper = mapper(groups);
        for name in ["my-kind", "my-kinds"] {
            let asked = format!("{asked} {name}");
            let groups: Vec<&str> = expected.split(' ').collect();
            let expected =
                |what: &str| groups.iter().map(|group| format!("{group} {what}")).collect::<Vec<_>>();
            assert_eq!(kinds_for(&mapper, &asked), expected("my-kind"), "{asked}");
            assert_eq!(resources_for(&mapper, &asked), expected("my-kinds"), "{asked}");
            assert!(kind_for(&mapper, &asked).unwrap().starts_with(&format!("{}/", groups[0])));
        }
    }
}

/// TestRESTMapperVersionAndKindForResource and TestRESTMapperGroupForResource.
#[test]
fn what_is_not_there_is_no_match() {
    let mapper = mapper(&["test.group/test internalobjects:InternalObject"]);
    for missing in [
        "internalobjec",
        "internalObjec",
        "other/ internalobjects",
        "/v9 internalobjects",
        "test.group/v9 internalobject",
    ] {
        assert!(kind_for(&mapper, missing).unwrap_err().is_no_match(), "{missing}");
    }
    assert_eq!(kind_for(&mapper, "widgets").unwrap_err().to_string(), "no matches for /, Resource=widgets");
    assert_eq!(
        resource_for(&mapper, "a/v1 widgets").unwrap_err().to_string(),
        "no matches for a/v1, Resource=widgets"
    );
    assert_eq!(kind_for(&mapper, "internalObject").unwrap(), "test.group/test InternalObject");
    assert_eq!(
        kind_for(&mapper, "").unwrap_err().to_string(),
        "a resource must be present, got: /, Resource="
    );
}

/// TestKindToResource, and `endpoints`.
#[test]
fn plurals_are_guessed() {
    for (kind, plural, singular) in [
        ("Pod", "pods", "pod"),
        ("ReplicationController", "replicationcontrollers", "replicationcontroller"),
        ("ImageRepository", "imagerepositories", "imagerepository"),
        ("miss", "misses", "miss"),
        ("lowercase", "lowercases", "lowercase"),
        ("Endpoints", "endpoints", "endpoints"),
    ] {
        assert_eq!(guess(kind), (plural.to_owned(), singular.to_owned()));
    }
}

/// TestRESTMapperResourceSingularizer.
#[test]
fn names_in_the_singular() {
    for (kind, plural, singular) in [
        ("Pod", "pods", "pod"),
        ("ReplicationController", "replicationcontrollers", "replicationcontroller"),
        ("ImageRepository", "imagerepositories", "imagerepository"),
        ("Status", "statuses", "status"),
        ("lowercase", "lowercases", "lowercase"),
        ("lowercases", "lowercaseses", "lowercases"),
    ] {
        let mapper = mapper(&[&format!("tgroup/test {plural}:{kind}")]);
        assert_eq!(mapper.singular_for(plural).unwrap(), singular);
        assert_eq!(mapper.singular_for(singular).unwrap(), singular);
    }
    let doubled = mapper(&["a/v1 one:One:uno things:Thing:one"]);
    assert!(doubled.singular_for("one").unwrap_err().is_ambiguous());
    assert!(doubled.singular_for("none").unwrap_err().is_no_match());
}

/// TestRESTMapperRESTMapping, TestRESTMapperRESTMappingSelectsVersion, TestRESTMapperReportsErrorOnBadVersion,
/// TestPriorityRESTMapperRESTMappingHonorsUserVersion.
#[test]
fn kinds_are_mapped_in_the_versions_asked_for() {
    let mapper = mapper(&[
        "tgroup/test1 internalobjects:InternalObject boths:Both",
        "tgroup/test2 otherobjects:OtherObject boths:Both",
    ]);
    for (kind, versions, expected) in [
        ("OtherObject", &[][..], Some("test2 otherobjects")),
        ("InternalObject", &[], Some("test1 internalobjects")),
        ("internalobject", &[], Some("test1 internalobjects")),
        ("InternalObject", &["test2"], None),
        ("OtherObject", &["test1"], None),
        ("OtherObject", &["test3"], None),
        ("OtherObject", &["test3", "test1"], None),
        ("OtherObject", &["test3", "test2"], Some("test2 otherobjects")),
        ("OtherObject", &["", "__internal"], Some("test2 otherobjects")),
        ("Both", &[], Some("test1 boths")),
        ("Both", &["test2"], Some("test2 boths")),
        ("Both", &["test2", "test1"], Some("test2 boths")),
        ("Unknown", &[], None),
        ("List", &[], Some("test1 lists")),
        ("OtherObjectList", &[], Some("test2 otherobjectlists")),
    ] {
        let found = mapped(&mapper, "tgroup", kind, versions);
        assert_eq!(found.as_deref().ok(), expected, "{kind} {versions:?}");
        assert!(found.is_ok() || found.unwrap_err().is_no_match());
    }
    assert_eq!(mapper.rest_mapping("tgroup", "internalobject", &[]).unwrap().kind, "InternalObject");
    assert_eq!(mapper.rest_mappings("tgroup", "Both", &[]).unwrap().len(), 2);
    assert_eq!(mapper.rest_mappings("tgroup", "Both", &["test2", "test9"]).unwrap().len(), 1);
    for (group, versions, expected) in [
        ("tgroup", &[][..], r#"no matches for kind "Foo" in group "tgroup""#),
        ("", &["v1"], r#"no matches for kind "Foo" in version "v1""#),
        ("tgroup", &["v2", "v1"], r#"no matches for kind "Foo" in versions ["tgroup/v1" "tgroup/v2"]"#),
    ] {
        assert_eq!(mapped(&mapper, group, "Foo", versions).unwrap_err().to_string(), expected);
    }
}

/// The tables of priority_test.go, without patterns of any group or of one resource, which discovery never makes.
#[test]
fn rules_narrow_the_matches_down() {
    let found = [("one", "a", 1), ("two", "b", 2), ("one", "c", 3)];
    for (count, rules, expected) in [
        (1, &[][..], Some(1)),
        (2, &[], None),
        (2, &["one/"], Some(1)),
        (2, &["fail/", "one/"], Some(1)),
        (3, &["one/", "one/a"], Some(1)),
        (3, &["one/", "one/c"], Some(3)),
        (3, &["one/"], None),
        (3, &["two/b", "one/a"], Some(2)),
    ] {
        let rules: Vec<GroupVersion> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let picked = pick(&found[..count], &rules, |(group, version, _)| (group, version));
        assert_eq!(picked.map(|(_, _, number)| *number), expected, "{count} {rules:?}");
    }
    let mapper = mapper(&["a/v1 ones:One:thing twos:Two:thing"]);
    let error = resource_for(&mapper, "thing").unwrap_err();
    assert!(error.is_ambiguous());
    assert_eq!(
        error.to_string(),
        "/, Resource=thing matches multiple resources [a/v1, Resource=ones a/v1, Resource=twos]"
    );
}

fn also(name: &str, other: &str) -> String {
    format!("short name {name:?} could also match lower priority resource {other}")
}

/// TestReplaceAliases, TestKindFor and TestWarnAmbigious of restmapper/shortcut_test.go.
#[test]
fn short_names_are_expanded_and_doubtful_ones_told() {
    let hpa = &["autoscaling/v1 superhorizontalpodautoscalers:S::hpa horizontalpodautoscalers:H::hpa"][..];
    let pods = &["/v1 pods:Pod:pod:po", "acme.com/v1 poddlers:Poddler::pods,pod"][..];
    let several = &[
        "autoscaling/v1alphav1 horizontalpodautoscalers:H::hpa",
        "autoscaling/v1 horizontalpodautoscalers:H::hpa",
        "foo/v1 foo:F::hpa",
        "foo/v1beta1 foo:F::hpa",
        "bar/v1 bar:B::hpa",
    ][..];
    for (groups, asked, expected, warnings) in [
        (&[][..], "storageclasses", "/ storageclasses", vec![]),
        (
            hpa,
            "hpa",
            "autoscaling/ superhorizontalpodautoscalers",
            vec![also("hpa", "horizontalpodautoscalers.autoscaling")],
        ),
        (
            &["foo/v1 deployments:D::dpl", "extension/v1beta1 deployments:D::deploy"],
            "dpl",
            "foo/ deployments",
            vec![],
        ),
        (pods, "pods", "/ pods", vec![]),
        (pods, "pod", "/ pod", vec![]),
        (
            &["storage.k8s.io/v1 storageclasses:S::sc"],
            "storage.k8s.io/ sc",
            "storage.k8s.io/ storageclasses",
            vec![],
        ),
        (&["storage.k8s.io/v1 storageclasses:S::sc"], "sc", "storage.k8s.io/ storageclasses", vec![]),
        (
            &["storage.k8s.io/v1 storageclasses:S::sc"],
            "storage/v1 sc",
            "storage.k8s.io/v1 storageclasses",
            vec![],
        ),
        (
            &["/v1 pods:Pod:pod:po", "acme.com/v1 poddlers:P::po", "acme.com/v1beta1 poddlers:P::po"],
            "po",
            "/ pods",
            vec![also("po", "poddlers.acme.com")],
        ),
        (&several[..2], "hpa", "autoscaling/ horizontalpodautoscalers", vec![]),
        (
            several,
            "hpa",
            "autoscaling/ horizontalpodautoscalers",
            vec![also("hpa", "foo.foo"), also("hpa", "bar.bar")],
        ),
    ] {
        let (found, told) = mapper(groups).expand_short_name(&gvr(asked));
        assert_eq!(format!("{}/{} {}", found.group, found.version, found.resource), expected, "{asked}");
        assert_eq!(told, warnings, "{asked}");
    }
}

/// TestDiscoveryCategoryExpander.
#[test]
fn categories_are_expanded_into_preferred_versions() {
    let lines = &[
        "/v1 pods:Pod:pod:po:all",
        "batch/v1 jobs:Job:job:jz:all",
        "batch/v1beta1 jobs:Job:job:jz:all,old crons:Cron:::all",
    ];
    let expand = |category: &str| {
        let found = mapper(lines).expand_category(category);
        found.iter().map(|found| format!("{} {found}", found.version)).collect::<Vec<_>>()
    };
    assert_eq!(expand("all"), ["v1 pods", "v1 jobs.batch", "v1beta1 crons.batch"]);
    assert_eq!(expand("old"), ["v1 jobs.batch"]);
    assert!(expand("targaryens").is_empty());
}

/// What `kubectl get` makes of its argument.
#[test]
fn arguments_are_understood_as_kubectl_understands_them() {
    let mapper = mapper(&[
        "/v1 pods:Pod:pod:po:all events:Event:event:ev endpoints:Endpoints:endpoints:ep",
        "apps/v1 deployments:Deployment:deployment:deploy",
        "events.k8s.io/v1 events:Event:event:ev",
        "example.com/v1 widgets:Widget:widget:wg",
        "example.com/v1beta1 widgets:Widget:widget:wg gadgets:Gadget:gadget:",
        "example.com.evil/v1 widgets:Widget:widget:wg",
    ]);
    for (argument, expected) in [
        ("po", "v1 pods"),
        ("pod", "v1 pods"),
        ("Pod", "v1 pods"),
        ("endpoints", "v1 endpoints"),
        ("ev", "v1 events"),
        ("events.events.k8s.io", "v1 events.events.k8s.io"),
        ("ev.events.k8s.io", "v1 events.events.k8s.io"),
        ("events.v1.events.k8s.io", "v1 events.events.k8s.io"),
        ("deploy", "v1 deployments.apps"),
        ("deployments.apps", "v1 deployments.apps"),
        ("deploy.app", "v1 deployments.apps"),
        ("deployment.v1.apps", "v1 deployments.apps"),
        ("Deployment.apps", "v1 deployments.apps"),
        ("Deployment.v1.apps", "v1 deployments.apps"),
        ("widgets.example.com", "v1 widgets.example.com"),
        ("widgets.v1beta1.example.com", "v1beta1 widgets.example.com"),
        ("wg", "v1 widgets.example.com"),
        ("gadget", "v1beta1 gadgets.example.com"),
        ("pods.v1.", "v1 pods"),
    ] {
        let found = mapper.mapping_for(argument).map(|found| format!("{} {found}", found.version));
        assert_eq!(found.unwrap(), expected, "{argument}");
    }
    for (argument, name) in [
        ("gizmos", "gizmos"),
        ("pods.apps", "pods"),
        ("deploy.v2.batch", "deploy"),
        ("", ""),
        (".", ""),
        ("x.y.z.w", "x"),
    ] {
        let error = mapper.mapping_for(argument).unwrap_err();
        assert!(error.is_no_match());
        assert_eq!(
            error.to_string(),
            format!("the server doesn't have a resource type {name:?}"),
            "{argument}"
        );
    }
}
