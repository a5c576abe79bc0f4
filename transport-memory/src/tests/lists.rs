//! Lists: selectors, chunks at one version, versions forgotten and not reached, and bodies that stream.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::StreamExt;
use http::Request;
use portolan::transport::{Body, Transport};
use serde_json::{Value, json};

use super::{World, config_map, names};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[test]
fn lists_are_ordered_and_say_their_version() {
    let world = World::new();
    world.run(async {
        for name in ["b", "a", "c"] {
            world.config_map(name);
        }
        world.cluster.create(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "z", "namespace": "kube-system" } })).unwrap();
        let list = world.get(MAPS).await.body;
        assert_eq!((&list["kind"], &list["apiVersion"], names(&list)), (&json!("ConfigMapList"), &json!("v1"), vec!["a", "b", "c"]));
        assert_eq!(list["metadata"], json!({ "resourceVersion": world.cluster.version().to_string() }));
        assert_eq!((&list["items"][0]["kind"], &list["items"][0]["apiVersion"]), (&Value::Null, &Value::Null));
        assert_eq!(names(&world.get("/api/v1/configmaps").await.body), ["a", "b", "c", "z"]);
        assert_eq!(names(&world.get("/api/v1/namespaces/none/configmaps").await.body), [""; 0]);
    });
}

#[test]
fn selectors_choose() {
    let world = World::new();
    world.run(async {
        for (name, app, node, phase) in [("a", "web", "n1", "Running"), ("b", "web", "n2", "Pending"), ("c", "db", "n1", "Running")] {
            let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "labels": { "app": app } }, "spec": { "nodeName": node }, "status": { "phase": phase } });
            world.cluster.create(pod).unwrap();
        }
        for (query, expected) in [
            ("labelSelector=app%3Dweb", vec!["a", "b"]),
            ("labelSelector=app+in+(web,db),app!%3Dweb", vec!["c"]),
            ("labelSelector=!app", vec![]),
            ("fieldSelector=metadata.name%3Db", vec!["b"]),
            ("fieldSelector=metadata.namespace!%3Ddefault", vec![]),
            ("fieldSelector=spec.nodeName%3Dn1,status.phase%3DRunning", vec!["a", "c"]),
            ("fieldSelector=spec.nodeName%3Dn1&labelSelector=app%3Dweb", vec!["a"]),
            ("fieldSelector=%3D", vec!["a", "b", "c"]),
            ("fieldSelector=spec.hostNetwork%3Dfalse", vec!["a", "b", "c"]),
        ] {
            let list = world.get(&format!("/api/v1/pods?{query}")).await;
            assert_eq!((list.code, names(&list.body)), (200, expected), "{query}");
        }
        for (path, message) in [
            ("/api/v1/pods?fieldSelector=spec.color%3Dred", "field label not supported: spec.color"),
            ("/api/v1/configmaps?fieldSelector=data.k%3Dv", r#""data.k" is not a known field selector: only "metadata.name", "metadata.namespace""#),
            ("/apis/batch/v1/jobs?fieldSelector=spec.x%3D1", r#"field label "spec.x" not supported for Job"#),
            ("/apis/resource.k8s.io/v1/resourceslices?fieldSelector=a%3D1", "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: a"),
            ("/api/v1/nodes?fieldSelector=metadata.namespace%3Da", "field label not supported: metadata.namespace"),
            ("/api/v1/pods?fieldSelector=nonsense", "invalid selector: 'nonsense'; can't understand 'nonsense'"),
            ("/api/v1/pods?labelSelector=a%3Db%3Dc", "found '=', expected: ',' or 'end of string'"),
            ("/api/v1/pods?labelSelector=a+in+b", "unable to parse requirement: found 'b' expected: '('"),
            ("/api/v1/pods?limit=x&labelSelector=,", r#"strconv.ParseInt: parsing "x": invalid syntax"#),
            ("/api/v1/pods?timeoutSeconds=99999999999999999999", r#"strconv.ParseInt: parsing "99999999999999999999": value out of range"#),
            ("/api/v1/pods?limit=", r#"strconv.ParseInt: parsing "": invalid syntax"#),
            ("/api/v1/pods?resourceVersion=%2B1", r#"invalid resource version: resourceVersion: Invalid value: "+1": strconv.ParseUint: parsing "+1": invalid syntax"#),
        ] {
            let refused = world.get(path).await;
            let expected = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": "BadRequest", "code": 400 });
            assert_eq!((refused.code, refused.body), (400, expected), "{path}");
        }
        assert_eq!(world.get("/apis/apps/v1/deployments?fieldSelector=metadata.namespace%3Da&limit=-1").await.code, 200);
    });
}

#[test]
fn events_jobs_and_others_have_fields_of_their_own() {
    let world = World::new();
    world.run(async {
        let event = |name: &str, about: &str| json!({ "apiVersion": "v1", "kind": "Event", "metadata": { "name": name }, "involvedObject": { "name": about, "kind": "Pod" }, "type": "Warning", "source": { "component": "kubelet" } });
        world.cluster.create(event("e1", "p1")).unwrap();
        world.cluster.create(event("e2", "p2")).unwrap();
        world.cluster.create(json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "j" }, "status": { "succeeded": 3 } })).unwrap();
        world.cluster.create(json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "n" } })).unwrap();
        for (path, expected) in [
            ("/api/v1/events?fieldSelector=involvedObject.name%3Dp1,involvedObject.kind%3DPod,type%3DWarning", vec!["e1"]),
            ("/api/v1/events?fieldSelector=source%3Dkubelet", vec!["e1", "e2"]),
            ("/apis/batch/v1/jobs?fieldSelector=status.successful%3D3", vec!["j"]),
            ("/api/v1/nodes?fieldSelector=spec.unschedulable%3Dfalse", vec!["n"]),
            ("/api/v1/namespaces?fieldSelector=metadata.name%3Ddefault,status.phase%3DActive", vec!["default"]),
        ] {
            assert_eq!(names(&world.get(path).await.body), expected, "{path}");
        }
    });
}

#[test]
fn chunks_show_the_list_as_it_was_at_the_first() {
    let world = World::new();
    world.run(async {
        for name in ["a", "b", "c", "d", "e"] {
            world.config_map(name);
        }
        let version = world.cluster.version().to_string();
        let first = world.get(&format!("{MAPS}?limit=2")).await.body;
        assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (vec!["a", "b"], &json!(3)));
        world.cluster.create(config_map("bb")).unwrap();
        world.delete(&format!("{MAPS}/d")).await;
        world
            .patch(&format!("{MAPS}/c"), "application/merge-patch+json", json!({ "data": { "new": "1" } }))
            .await;
        let token = first["metadata"]["continue"].as_str().unwrap();
        let second = world.get(&format!("{MAPS}?limit=2&continue={token}")).await.body;
        assert_eq!(
            (names(&second), second["metadata"]["resourceVersion"].as_str()),
            (vec!["c", "d"], Some(version.as_str()))
        );
        assert_eq!(second["items"][0]["data"], Value::Null);
        let token = second["metadata"]["continue"].as_str().unwrap();
        let third = world.get(&format!("{MAPS}?limit=2&continue={token}")).await.body;
        assert_eq!(
            (names(&third), &third["metadata"]["continue"], &third["metadata"]["remainingItemCount"]),
            (vec!["e"], &Value::Null, &Value::Null)
        );
        assert_eq!(names(&world.get(MAPS).await.body), ["a", "b", "bb", "c", "e"]);
        let everywhere = world.get("/api/v1/configmaps?limit=4").await.body;
        let token = everywhere["metadata"]["continue"].as_str().unwrap();
        assert_eq!(names(&world.get(&format!("/api/v1/configmaps?continue={token}")).await.body), ["e"]);
        let selected = world.get(&format!("{MAPS}?limit=1&fieldSelector=metadata.name!%3Da")).await.body;
        assert_eq!(
            (names(&selected), &selected["metadata"]["remainingItemCount"]),
            (vec!["b"], &Value::Null)
        );
    });
}

#[test]
fn an_expired_token_comes_back_fresh() {
    let world = World::new();
    world.run(async {
        for name in ["a", "b", "c"] {
            world.config_map(name);
        }
        let first = world.get(&format!("{MAPS}?limit=1")).await.body;
        let token = first["metadata"]["continue"].as_str().unwrap();
        world.config_map("bb");
        world.cluster.compact();
        let expired = world.get(&format!("{MAPS}?limit=1&continue={token}")).await;
        assert_eq!((expired.code, &expired.body["reason"]), (410, &json!("Expired")));
        assert!(
            expired.body["message"]
                .as_str()
                .unwrap()
                .starts_with("The provided continue parameter is too old")
        );
        let token = expired.body["metadata"]["continue"].as_str().unwrap();
        let rest = world.get(&format!("{MAPS}?continue={token}")).await.body;
        assert_eq!(
            (names(&rest), rest["metadata"]["resourceVersion"].as_str()),
            (vec!["b", "bb", "c"], Some(world.cluster.version().to_string().as_str()))
        );
        let encoded = |start: &str| {
            URL_SAFE_NO_PAD.encode(json!({ "v": "meta.k8s.io/v1", "rv": 1, "start": start }).to_string())
        };
        for (bad, what) in [
            ("x", "illegal base64 data at input byte 0"),
            ("e3!0", "illegal base64 data at input byte 2"),
            ("abc", "invalid character 'i' looking for beginning of value"),
            ("eyJ2Ijoi", "unexpected end of JSON input"),
            ("e30", "server does not recognize this encoded version "),
            (
                "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ",
                "incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
            ),
            (&encoded(""), "encoded start key empty (version meta.k8s.io/v1)"),
            (&encoded("../x"), "../x"),
        ] {
            let refused = world.get(&format!("{MAPS}?continue={bad}")).await;
            assert_eq!((refused.code, &refused.body["reason"]), (400, &json!("BadRequest")), "{bad}");
            assert_eq!(
                refused.body["message"],
                format!("invalid continue token: continue key is not valid: {what}")
            );
        }
        let refused = world.get(&format!("{MAPS}?continue={token}&resourceVersion=5")).await;
        assert_eq!(
            (refused.code, &refused.body["message"]),
            (400, &json!("specifying resource version is not allowed when using continue"))
        );
    });
}

#[test]
fn versions_are_honoured() {
    let world = World::new();
    world.run(async {
        let first = world.config_map("a");
        let second = world.config_map("b");
        for (query, expected) in [
            (format!("resourceVersion={first}&resourceVersionMatch=Exact"), vec!["a"]),
            (format!("resourceVersion={first}&limit=9"), vec!["a"]),
            (format!("resourceVersion={second}&resourceVersionMatch=NotOlderThan"), vec!["a", "b"]),
            (format!("resourceVersion={first}"), vec!["a", "b"]),
            ("resourceVersion=0".to_owned(), vec!["a", "b"]),
        ] {
            assert_eq!(names(&world.get(&format!("{MAPS}?{query}")).await.body), expected, "{query}");
        }
        for query in [
            "resourceVersionMatch=Exact",
            "resourceVersion=0&resourceVersionMatch=Exact",
            "resourceVersion=1&resourceVersionMatch=Nearly",
            "sendInitialEvents=true",
        ] {
            let refused = world.get(&format!("{MAPS}?{query}")).await;
            assert_eq!(
                (refused.code, &refused.body["details"]["kind"]),
                (422, &json!("ListOptions")),
                "{query}"
            );
        }
        world.cluster.compact();
        let old = world.get(&format!("{MAPS}?resourceVersion={first}&resourceVersionMatch=Exact")).await;
        assert_eq!((old.code, &old.body["reason"]), (410, &json!("Expired")));
    });
}

#[test]
fn a_version_not_reached_is_waited_for_and_then_refused() {
    let world = World::new();
    world.run(async {
        let future = world.config_map("a") + 1;
        for path in [format!("{MAPS}?resourceVersion={future}"), format!("{MAPS}/a?resourceVersion={future}")]
        {
            let start = world.cluster.runtime().clock.now();
            let refused = world.get(&path).await;
            assert_eq!(world.cluster.runtime().clock.now() - start, std::time::Duration::from_secs(3));
            assert_eq!(
                (refused.code, &refused.body["reason"], &refused.body["details"]["causes"][0]["reason"]),
                (504, &json!("Timeout"), &json!("ResourceVersionTooLarge"))
            );
            assert_eq!(
                refused.body["message"],
                format!("Timeout: Too large resource version: {future}, current: {}", future - 1)
            );
        }
        let path = format!("{MAPS}?resourceVersion={future}");
        let (list, ()) = futures::join!(world.get(&path), async {
            world.sleep(1).await;
            world.config_map("b");
        });
        assert_eq!((list.code, names(&list.body)), (200, vec!["a", "b"]));
    });
}

#[test]
fn bodies_come_in_chunks_as_they_are_read() {
    let world = World::new();
    world.run(async {
        for number in 0..100 {
            let mut map = config_map(&format!("m{number:03}"));
            map["data"] = json!({ "k": "x".repeat(4_000) });
            world.cluster.create(map).unwrap();
        }
        let request = Request::get(format!("http://memory{MAPS}")).body(Body::Empty).unwrap();
        let mut body = world.transport.send(request).await.unwrap().into_body();
        let (mut chunks, mut bytes) = (0, Vec::new());
        while let Some(chunk) = body.next().await {
            let chunk = chunk.unwrap();
            assert!(!chunk.is_empty() && chunk.len() < 40_000, "{}", chunk.len());
            bytes.extend_from_slice(&chunk);
            chunks += 1;
        }
        assert!(chunks >= 10, "{chunks}");
        assert_eq!(names(&serde_json::from_slice(&bytes).unwrap()).len(), 100);
    });
}
