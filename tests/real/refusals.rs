//! What a real API server and the one in memory say of lists, watches and deletions that ask for something wrong: code,
//! reason, message and details must be equal.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;

use portolan::config::Config;
use portolan::transport::{Body, Transport};
use portolan_memory::Cluster as Memory;
use portolan_native::{ConfigOptions, load_config, runtime, transport_for};
use portolan_tests::{Cluster, ClusterOptions};
use serde_json::{Value, json};

/// What is wrong: selectors of labels, and of fields, which are asked for in each of the places; queries of other options,
/// some with several faults, of which the first shows. Sections, each headed by `== name`, of one text a line.
const CASES: &str = include_str!("refusals.txt");

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// Custom resources, whose fields are worded in a way of their own: in namespaces with a field, and not without.
fn definitions() -> [Value; 2] {
    let fields = json!({ "spec": { "type": "object", "properties": { "colour": { "type": "string" } } } });
    [
        ("Namespaced", "Widget", fields, json!([{ "jsonPath": ".spec.colour" }])),
        ("Cluster", "Gadget", json!({}), json!([])),
    ]
    .map(|(scope, kind, properties, fields)| {
        let singular = kind.to_lowercase();
        let plural = format!("{singular}s");
        let schema = json!({ "openAPIV3Schema": { "type": "object", "properties": properties } });
        let version = json!({ "name": "v1", "served": true, "storage": true, "schema": schema, "selectableFields": fields });
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("{plural}.example.com") },
            "spec": {
                "group": "example.com",
                "scope": scope,
                "names": { "plural": plural, "singular": singular, "kind": kind },
                "versions": [version],
            },
        })
    })
}

/// Every wrong request: method and path.
fn requests() -> Vec<(&'static str, String)> {
    let long = "x".repeat(64);
    let lengths = ["LONG=1", "a=LONG", "a in (LONG,-LONG)", "LONG.LONG.LONG.LONG/a", "-LONG=1"];
    // Of what no text file should hold, the server quotes each in its own way.
    let controls = ["a=\u{1}", "a=\u{200b}", "a\u{1b}=b", "a in (\u{7})", "a>\u{7f}", "a=\u{e0001}"];
    let labels = section("labels").chain(controls).map(str::to_owned);
    let labels = labels.chain(lengths.iter().map(|text| text.replace("LONG", &long)));
    let of_labels = labels.map(|text| ("GET", format!("{MAPS}?labelSelector={}", escaped(&text))));
    let of_fields = section("places").flat_map(|place| {
        let fields = section("fields").chain(["a\u{1}=b", "metadata.name=a,\u{7}x=b", "spec.\u{200b}=a"]);
        fields.map(move |text| ("GET", format!("{place}?fieldSelector={}", escaped(text))))
    });
    let of_options = section("options")
        .flat_map(|query| ["GET", "DELETE"].map(|method| (method, format!("{MAPS}?{query}"))));
    of_labels.chain(of_fields).chain(of_options).collect()
}

fn section(name: &'static str) -> impl Iterator<Item = &'static str> {
    let from = CASES.lines().skip_while(move |line| *line != format!("== {name}")).skip(1);
    from.take_while(|line| !line.starts_with("== "))
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        write!(escaped, "%{byte:02x}").unwrap();
        escaped
    })
}

/// Code and body of an answer; a list or a watch that was not refused is told as such.
async fn ask(transport: &dyn Transport, server: &str, method: &str, path: &str) -> (u16, Value) {
    let request = http::Request::builder().method(method).uri(format!("{server}{path}"));
    let response = transport.send(request.body(Body::Empty).unwrap()).await.unwrap();
    let code = response.status().as_u16();
    if code == 200 {
        return (code, Value::Null);
    }
    let body = response.into_body().collect(usize::MAX).await.unwrap();
    (code, serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into()))
}

#[tokio::test]
async fn a_wrong_request_sees_no_difference() {
    let real = Cluster::start(&ClusterOptions::default()).unwrap();
    let memory = Memory::new(runtime().unwrap());
    for definition in definitions() {
        real.apply(&definition.to_string()).unwrap();
        let name = format!("crd/{}", definition["metadata"]["name"].as_str().unwrap());
        real.kubectl(&["wait", &name, "--for=condition=Established", "--timeout=60s"]).unwrap();
        memory.create(definition).unwrap();
    }
    let kubeconfig = Some(real.facts().kubeconfig.clone());
    let config = load_config(&ConfigOptions { kubeconfig, ..Default::default() }).unwrap();
    let theirs = transport_for(&Config { rate_limit: None, ..config }).unwrap();
    let ours = memory.transport();
    let (mut differences, requests) = (Vec::new(), requests());
    for (method, path) in &requests {
        let wanted = ask(&*theirs, &real.facts().server, method, path).await;
        let said = ask(&*ours, "http://memory", method, path).await;
        if wanted != said {
            differences.push(format!("{method} {path}\n--- real\n{wanted:?}\n--- memory\n{said:?}"));
        }
    }
    let (equal, all) = (requests.len() - differences.len(), requests.len());
    println!("{equal} of {all} wrong requests are answered alike by both servers");
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}
