//! Asking the server: aggregated and one document at a time, with failures and hostile answers.

use serde_json::json;

use super::*;
use crate::client::discovery::{FailureCause, aggregated_format};
use crate::meta::GroupVersion;

/// One case: name, `/api`, `/apis`, then what is expected.
struct Case {
    core: &'static [&'static str],
    apis: &'static [&'static str],
    groups: &'static str,
    preferred_versions: &'static str,
    kinds: &'static str,
    preferred: &'static str,
    failed: &'static str,
}

const POD: &[&str] = &["/v1 pods.Pod"];
const POD_SERVICE: &[&str] = &["/v1 pods.Pod services.Service"];

/// TestAggregatedServerGroups, TestAggregatedServerGroupsAndResources, TestAggregatedServerPreferredResources and
/// TestSplitGroupsAndResources of discovery_client_test.go and aggregated_discovery_test.go.
const CASES: &[Case] = &[
    Case {
        core: POD,
        apis: &["apps/v1 deployments.Deployment"],
        groups: "v1 apps/v1",
        preferred_versions: "v1 apps/v1",
        kinds: "/v1/Pod apps/v1/Deployment",
        preferred: "/v1/Pod apps/v1/Deployment",
        failed: "",
    },
    Case {
        core: POD,
        apis: &["apps/v2 deployments.Deployment", "apps/v1 deployments.Deployment"],
        groups: "v1 apps/v2 apps/v1",
        preferred_versions: "v1 apps/v2",
        kinds: "/v1/Pod apps/v2/Deployment apps/v1/Deployment",
        preferred: "/v1/Pod apps/v2/Deployment",
        failed: "",
    },
    Case {
        core: POD,
        apis: &["apps/v1 deployments.Deployment", "apps/v2! deployments.Deployment"],
        groups: "v1 apps/v1",
        preferred_versions: "v1 apps/v1",
        kinds: "/v1/Pod apps/v1/Deployment",
        preferred: "/v1/Pod apps/v1/Deployment",
        failed: "apps/v2",
    },
    Case {
        core: POD,
        apis: &["apps/v2! deployments.Deployment", "apps/v1 deployments.Deployment"],
        groups: "v1 apps/v1",
        preferred_versions: "v1 apps/v1",
        kinds: "/v1/Pod apps/v1/Deployment",
        preferred: "/v1/Pod apps/v1/Deployment",
        failed: "apps/v2",
    },
    Case {
        core: POD_SERVICE,
        apis: &[
            "apps/v1 deployments.Deployment statefulsets.StatefulSet",
            "batch/v1! jobs.Job cronjobs.CronJob",
            "batch/v1beta1 jobs.Job cronjobs.CronJob",
        ],
        groups: "v1 apps/v1 batch/v1beta1",
        preferred_versions: "v1 apps/v1 batch/v1beta1",
        kinds: "/v1/Pod /v1/Service apps/v1/Deployment apps/v1/StatefulSet batch/v1beta1/Job batch/v1beta1/CronJob",
        preferred: "/v1/Pod /v1/Service apps/v1/Deployment apps/v1/StatefulSet batch/v1beta1/Job batch/v1beta1/CronJob",
        failed: "batch/v1",
    },
    Case {
        core: &[],
        apis: &[
            "apps/v1 deployments.Deployment statefulsets.StatefulSet",
            "batch/v1 jobs.Job cronjobs.CronJob",
            "batch/v1beta1 jobs.Job cronjobs.CronJob",
        ],
        groups: "apps/v1 batch/v1 batch/v1beta1",
        preferred_versions: "apps/v1 batch/v1",
        kinds: "apps/v1/Deployment apps/v1/StatefulSet batch/v1/Job batch/v1/CronJob batch/v1beta1/Job batch/v1beta1/CronJob",
        preferred: "apps/v1/Deployment apps/v1/StatefulSet batch/v1/Job batch/v1/CronJob",
        failed: "",
    },
    // A resource that only an older version has.
    Case {
        core: POD,
        apis: &["batch/v1 jobs.Job", "batch/v1beta1 jobs.Job cronjobs.CronJob"],
        groups: "v1 batch/v1 batch/v1beta1",
        preferred_versions: "v1 batch/v1",
        kinds: "/v1/Pod batch/v1/Job batch/v1beta1/Job batch/v1beta1/CronJob",
        preferred: "/v1/Pod batch/v1/Job batch/v1beta1/CronJob",
        failed: "",
    },
    // "Aggregated discovery: single failed GV at /api" and "… at /apis".
    Case {
        core: &["/v1! pods.Pod"],
        apis: &["apps/v1! deployments.Deployment"],
        groups: "",
        preferred_versions: "- -",
        kinds: "",
        preferred: "",
        failed: "v1 apps/v1",
    },
];

#[test]
fn aggregated_documents_are_read_as_client_go_reads_them() {
    for (number, case) in CASES.iter().enumerate() {
        run(async |simulator| {
            let server = Server::aggregated(case.core, case.apis);
            let client = server.client(simulator);
            let discovery = client.server_groups_and_resources().await.unwrap();
            assert_eq!(group_versions(&discovery).join(" "), case.groups, "groups of {number}");
            let preferred =
                client.server_groups().await.unwrap().groups.into_iter().map(|group| {
                    group.preferred_version.map_or("-".to_owned(), |version| version.group_version)
                });
            assert_eq!(
                preferred.collect::<Vec<_>>().join(" "),
                case.preferred_versions,
                "versions of {number}"
            );
            assert_eq!(kinds(discovery.resources()).join(" "), case.kinds, "kinds of {number}");
            assert_eq!(kinds(discovery.preferred_resources()).join(" "), case.preferred, "{number}");
            assert_eq!(failed(&discovery).join(" "), case.failed, "failed of {number}");
            assert_eq!(server.paths(), ["/api", "/apis", "/api", "/apis"]);
        });
    }
}

/// TestAggregatedServerGroupsAndResourcesWithErrors, TestDiscoveryToleratesMissingCoreGroup,
/// TestDiscoveryFailsWhenNonCoreGroupsMissing, TestGetServerGroupsWithBrokenServer.
#[test]
fn the_core_group_may_be_missing_and_nothing_else() {
    for (core, apis, good) in [
        (404, 200, true),
        (403, 200, false),
        (200, 404, false),
        (200, 403, false),
        (404, 404, false),
        (200, 0, false),
    ] {
        run(async |simulator| {
            let server = Server::aggregated(&[], &["apps/v1 deployments.Deployment"]);
            for (path, status) in [("/api", core), ("/apis", apis)] {
                if status != 200 {
                    server.refuse(path, status);
                }
            }
            let client = server.client(simulator);
            let found = client.server_groups_and_resources().await;
            assert_eq!(client.server_groups().await.is_ok(), good);
            match found {
                Ok(found) => assert!(good && kinds(found.resources()) == ["apps/v1/Deployment"]),
                Err(error) => assert!(!good && error.code().is_none_or(|code| code >= 400), "{error}"),
            }
        });
    }
}

/// TestDiscoveryContentTypeVersion, and v2beta1 and protobuf.
#[test]
fn aggregated_documents_are_known_by_their_content_type() {
    for (content_type, known) in [
        ("application/json; g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", true),
        ("Application/JSON; g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", true),
        ("application/json; v=v2;as=APIGroupDiscoveryList;g=apidiscovery.k8s.io", true),
        ("application/json; as=APIGroupDiscoveryList;g=apidiscovery.k8s.io;v=v2", true),
        ("application/json; g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList;charset=utf-8", true),
        ("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList", true),
        (
            "application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
            cfg!(feature = "protobuf"),
        ),
        ("application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList", false),
        ("application/json", false),
        ("application/json; charset=UTF-8", false),
        ("text/json", false),
        ("text/html", false),
        ("", false),
    ] {
        assert_eq!(aggregated_format(content_type).is_some(), known, "{content_type}");
    }
}

/// A server without aggregated discovery.
fn legacy() -> Server {
    let server = Server::default();
    server.json("/api", &json!({ "kind": "APIVersions", "versions": ["v1"] }));
    server.json("/api/v1", &resource_list("v1", "pods.Pod services.Service namespaces.Namespace*"));
    server.json(
        "/apis",
        &json!({ "kind": "APIGroupList", "groups": [{
            "name": "batch",
            "versions": [
                { "groupVersion": "batch/v1", "version": "v1" },
                { "groupVersion": "batch/v2alpha1", "version": "v2alpha1" },
                { "groupVersion": "batch/v3alpha1", "version": "v3alpha1" },
            ],
            "preferredVersion": { "groupVersion": "batch/v1", "version": "v1" },
        }] }),
    );
    server.json("/apis/batch/v1", &resource_list("batch/v1", "jobs.Job"));
    for version in ["batch/v2alpha1", "batch/v3alpha1"] {
        server.json(&format!("/apis/{version}"), &resource_list(version, "jobs.Job cronjobs.CronJob"));
    }
    server
}

/// TestServerPreferredNamespacedResources.
#[test]
fn preferred_namespaced_resources_of_a_legacy_server() {
    run(async |simulator| {
        let server = legacy();
        let found = server.client(simulator).server_groups_and_resources().await.unwrap();
        let expected = ["/v1/Pod", "/v1/Service", "batch/v1/Job", "batch/v2alpha1/CronJob"];
        assert_eq!(kinds(found.preferred_namespaced_resources()), expected);
        assert!(found.warning().is_none());

        let groups = server.0.lock().unwrap().answers["/apis"].body.clone();
        let mut groups: Value = serde_json::from_slice(&groups).unwrap();
        groups["groups"][0]["preferredVersion"] =
            json!({ "groupVersion": "batch/v2alpha", "version": "v2alpha1" });
        server.json("/apis", &groups);
        server.refuse("/api", 404);
        let found = server.client(simulator).server_groups_and_resources().await.unwrap();
        assert_eq!(
            kinds(found.preferred_namespaced_resources()),
            ["batch/v2alpha1/Job", "batch/v2alpha1/CronJob"]
        );
    });
}

/// TestGetServerGroupsWithV1Server: a version without its name.
#[test]
fn a_version_is_known_by_its_group_version() {
    run(async |simulator| {
        let server = legacy();
        let groups = json!({ "groups": [{ "name": "extensions", "versions": [{ "groupVersion": "extensions/v1beta1", "version": "" }] }] });
        server.json("/apis", &groups);
        let groups = server.client(simulator).server_groups().await.unwrap().groups;
        let versions: Vec<_> =
            groups.iter().flat_map(|group| &group.versions).map(|given| &given.group_version).collect();
        assert_eq!(versions, ["v1", "extensions/v1beta1"]);
    });
}

/// TestServerPreferredResourcesRetries.
#[test]
fn a_group_version_that_failed_is_asked_for_once_more() {
    for (failing, resources) in [(1, 2), (2, 1)] {
        run(async |simulator| {
            let server = Server::default();
            server.json("/api", &json!({ "versions": ["v1"] }));
            server.json("/api/v1", &resource_list("v1", "pods.Pod"));
            let version = json!({ "groupVersion": "extensions/v1beta1", "version": "v1beta1" });
            server.json("/apis", &json!({ "groups": [{ "name": "extensions", "versions": [version], "preferredVersion": version }] }));
            server.json(
                "/apis/extensions/v1beta1",
                &resource_list("extensions/v1beta1", "deployments.Deployment"),
            );
            server.fail("/apis/extensions/v1beta1", failing);
            let found = server.client(simulator).server_groups_and_resources().await.unwrap();
            assert_eq!(found.preferred_resources().len(), resources);
            assert_eq!(found.failures.len(), 2 - resources);
            assert_eq!(
                group_versions(&found),
                ["v1", "extensions/v1beta1"],
                "the group is told all the same"
            );
            assert_eq!(server.paths().len(), 8);
        });
    }
}

/// TestGetServerResourcesForGroupVersion and TestServerPreferredResources.
#[test]
fn one_group_version_is_had_or_refused() {
    run(async |simulator| {
        let server = legacy();
        let client = server.client(simulator);
        let get = async |text: &str| {
            let group_version: GroupVersion = text.parse().unwrap();
            client.server_resources_for_group_version(&group_version).await
        };
        let stable = get("v1").await.unwrap();
        assert_eq!(kinds(&stable.resources), ["/v1/Pod", "/v1/Service", "/v1/Namespace"]);
        assert!(get("foobar").await.unwrap_err().is_not_found());
        server.refuse("/api/v1", 404);
        assert!(get("v1").await.unwrap().is_empty());
        server.asked();
        for bad in ["", "a/", "../v1", "a/..", "a%2Fb/v1"] {
            assert!(matches!(get(bad).await.unwrap_err().kind(), crate::ErrorKind::Config), "{bad}");
        }
        assert!(server.paths().is_empty(), "nothing is sent");
        let enabled = async |text: &str| {
            let gvr = crate::meta::GroupVersionResource {
                group: "batch".into(),
                version: "v1".into(),
                resource: text.to_owned().into(),
            };
            client.is_resource_enabled(&gvr).await.unwrap()
        };
        assert!(enabled("jobs").await && !enabled("cronjobs").await);
    });
}

/// TestUseLegacyDiscovery; and the request that kubectl would make, so that both may use each other's kept answers.
#[test]
fn the_request_is_word_for_word_kubectls() {
    run(async |simulator| {
        let server = legacy();
        let client = server.client(simulator);
        client.server_groups().await.unwrap();
        let asked = server.asked();
        assert_eq!(asked[0].address, "/api?timeout=32s");
        assert_eq!(
            asked[1].accept,
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
             application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
        );
        client.legacy().server_groups().await.unwrap();
        assert!(server.asked().iter().all(|asked| asked.accept == "application/json"));
    });
}

#[test]
fn unchanged_documents_are_not_sent_again() {
    run(async |simulator| {
        let server = Server::aggregated(POD, &["apps/v1 deployments.Deployment"]);
        for path in ["/api", "/apis"] {
            server.header(path, "etag", "\"ABC\"");
            server.header(path, "vary", "Accept");
        }
        let client = server.client(simulator);
        let first = kinds(client.server_groups_and_resources().await.unwrap().resources());
        let again = kinds(client.server_groups_and_resources().await.unwrap().resources());
        assert_eq!(first, again);
        let statuses: Vec<u16> = server.asked().iter().map(|asked| asked.status).collect();
        assert_eq!(statuses, [200, 200, 304, 304]);
        server.put("/apis", AGGREGATED, aggregated(&["apps/v1 statefulsets.StatefulSet"]));
        let changed = kinds(client.server_groups_and_resources().await.unwrap().resources());
        assert_eq!(changed, ["/v1/Pod", "apps/v1/StatefulSet"]);
    });
}

#[test]
fn one_half_may_be_aggregated() {
    run(async |simulator| {
        let server = legacy();
        server.put("/api", AGGREGATED, aggregated(POD));
        let found = server.client(simulator).server_groups_and_resources().await.unwrap();
        assert_eq!(kinds(found.preferred_resources()), ["/v1/Pod", "batch/v1/Job", "batch/v2alpha1/CronJob"]);
        assert!(!server.paths().contains(&"/api/v1".to_owned()));
    });
}

/// "Aggregated discovery with single subresource and parent missing GVK", "… empty GVK", "… with multiple subresources".
#[test]
fn subresources_are_kept_with_what_they_speak() {
    run(async |simulator| {
        let server = Server::aggregated(&[], &[]);
        let kind = |group: &str, version: &str, kind: &str| json!({ "group": group, "version": version, "kind": kind });
        let scale = json!({ "subresource": "scale", "responseKind": kind("autoscaling", "v1", "Scale"), "verbs": ["get", "patch"] });
        let status =
            json!({ "subresource": "status", "responseKind": kind("", "", "Deployment"), "verbs": ["get"] });
        let nameless = json!({ "subresource": "odd", "responseKind": kind("", "", ""), "verbs": ["get"] });
        let metric = json!({ "subresource": "metric", "responseKind": { "kind": "MetricValueList" }, "verbs": ["get"] });
        let items = json!({ "items": [
            { "metadata": { "name": "apps" }, "versions": [{ "version": "v1", "resources": [{
                "resource": "deployments", "responseKind": kind("apps", "v1", "Deployment"), "scope": "Namespaced",
                "singularResource": "deployment", "verbs": ["get", "list"], "shortNames": ["deploy"], "categories": ["all"],
                "subresources": [scale, status, nameless],
            }] }] },
            { "metadata": { "name": "external.metrics.k8s.io" }, "versions": [{ "version": "v1beta1", "resources": [
                { "resource": "*", "scope": "Namespaced", "subresources": [metric] },
                { "resource": "none", "responseKind": kind("", "", ""), "scope": "Namespaced" },
            ] }] },
        ] });
        server.put("/apis", AGGREGATED, items.to_string());
        let found = server.client(simulator).server_groups_and_resources().await.unwrap();
        let [apps, metrics] = &found.groups[..] else { panic!("{found:?}") };
        let deployments = &apps.versions[0].resources[0];
        assert!(deployments.can("list") && !deployments.can("watch"));
        let told: Vec<String> = deployments
            .subresources
            .iter()
            .map(|sub| {
                format!(
                    "{} {}/{} {} {}",
                    sub.name,
                    sub.kind.group,
                    sub.kind.version,
                    sub.kind.kind,
                    sub.verbs.join(",")
                )
            })
            .collect();
        assert_eq!(told, ["scale autoscaling/v1 Scale get,patch", "status apps/v1 Deployment get"]);
        let version = &metrics.versions[0];
        assert!(version.resources.is_empty());
        assert_eq!(
            (&*version.orphans[0].name, &*version.orphans[0].kind.kind),
            ("*/metric", "MetricValueList")
        );
        assert_eq!(version.orphans[0].kind.version, "v1beta1");
    });
}

#[test]
fn hostile_groups_are_one_error() {
    let good = aggregated(&["apps/v1 deployments.Deployment"]);
    for (content_type, body, expected) in [
        ("text/html", "<html>sign in</html>", "text/html in place of application/json"),
        ("application/json", "<html>sign in</html>", "not what is expected"),
        (AGGREGATED, &good[..good.len() / 2], "not what is expected"),
        (AGGREGATED, "{\"items\": 7}", "not what is expected"),
        (AGGREGATED, "[[[[", "not what is expected"),
        ("application/json", "{\"kind\":\"Status\",\"apiVersion\":\"v1\"}", "not what is expected"),
    ] {
        run(async |simulator| {
            let server = Server::aggregated(POD, &[]);
            server.put("/apis", content_type, body.to_owned());
            let error = server.client(simulator).server_groups_and_resources().await.unwrap_err();
            let text = error.to_string();
            assert!(text.contains(expected) && text.contains("get /apis"), "{body}: {text}");
            assert!(body.contains("html") || !text.contains(body), "{text}");
        });
    }
}

#[test]
fn hostile_versions_fail_alone() {
    run(async |simulator| {
        let server = Server::aggregated(POD, &["apps/v1 deployments.Deployment"]);
        let odd = aggregated(&["apps/v1 deployments.Deployment"]);
        for version in ["", "..", "a%2fb", "../../secrets"] {
            server.put(
                "/apis",
                AGGREGATED,
                odd.replacen("\"version\":\"v1\"", &format!("\"version\":{version:?}"), 2),
            );
            let found = server.client(simulator).server_groups_and_resources().await.unwrap();
            assert_eq!(kinds(found.resources()), ["/v1/Pod"], "{version}");
            assert!(matches!(found.failures[..], [_]) && found.warning().is_some(), "{found:?}");
        }
        let list = json!({ "groups": [
            { "name": "../x", "versions": [{ "groupVersion": "../x/v1", "version": "v1" }] },
            { "name": "gone", "versions": [{ "groupVersion": "gone/v1", "version": "v1" }] },
            { "name": "forbidden", "versions": [{ "groupVersion": "forbidden/v1", "version": "v1" }] },
            { "name": "page", "versions": [{ "groupVersion": "page/v1", "version": "v1" }] },
            { "name": "cut", "versions": [{ "groupVersion": "cut/v1", "version": "v1" }] },
            { "name": "good", "versions": [{ "groupVersion": "good/v1", "version": "v1" }] },
        ] });
        server.json("/apis", &list);
        server.refuse("/apis/forbidden/v1", 403);
        server.put("/apis/page/v1", "text/html", "<html>");
        server.put("/apis/cut/v1", "application/json", "{\"resources\":[{\"na");
        server.json("/apis/good/v1", &resource_list("good/v1", "things.Thing"));
        let found = server.client(simulator).server_groups_and_resources().await.unwrap();
        assert_eq!(kinds(found.resources()), ["/v1/Pod", "good/v1/Thing"]);
        assert_eq!(failed(&found), ["../x/v1", "gone/v1", "forbidden/v1", "page/v1", "cut/v1"]);
        let causes = found.failures.iter().map(|failure| match &failure.cause {
            FailureCause::Failed(error) => error.code().unwrap_or_default(),
            FailureCause::Stale => 1,
        });
        assert_eq!(causes.collect::<Vec<_>>(), [0, 404, 403, 0, 0]);
        assert!(
            found
                .warning()
                .unwrap()
                .starts_with("unable to retrieve the complete list of server APIs: ../x/v1: ")
        );
    });
}

/// TestGetServerVersion.
#[test]
fn the_version_is_read() {
    run(async |simulator| {
        let server = Server::default();
        server.json(
            "/version",
            &json!({ "major": "1", "minor": "36", "gitVersion": "v1.36.3", "emulationMajor": "1" }),
        );
        let version = server.client(simulator).server_version().await.unwrap();
        assert_eq!((&*version.minor, &*version.git_version), ("36", "v1.36.3"));
        assert_eq!(server.asked()[0].address, "/version?timeout=32s");
        server.put("/version", "text/html", "<html>");
        assert!(
            server.client(simulator).server_version().await.unwrap_err().to_string().contains("text/html")
        );
    });
}

/// TestDiscoveryClient's neighbour `setDiscoveryDefaults`: discovery is bursty, unless the caller has said how fast to go.
#[test]
fn discovery_has_a_bucket_of_its_own_while_the_limit_is_the_default() {
    run(async |simulator| {
        let server = Server::default();
        server.json("/version", &json!({ "major": "1", "minor": "36" }));
        let rest = RestClient::new(Arc::new(server), Config::default(), simulator.runtime(1));
        let clock = simulator.runtime(1).clock;
        let took = async |rest: RestClient, requests: usize| {
            let (client, started) = (DiscoveryClient::new(&rest), clock.now());
            for _ in 0..requests {
                client.server_version().await.unwrap();
            }
            (clock.now() - started).as_millis()
        };
        assert_eq!(took(rest.clone(), 301).await, 200, "300 at once, then 5 a second");
        assert_eq!(took(rest.with_rate_limit(None), 400).await, 0);
        let slow = rest.with_rate_limit(Some(RateLimit { qps: 1.0, burst: 2 }));
        slow.get().abs_path("/version").send().await.unwrap();
        assert_eq!(took(slow, 2).await, 1000, "one bucket for all");
    });
}
