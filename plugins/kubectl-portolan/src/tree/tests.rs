//! Trees on the API server in memory.

use super::*;
use portolan_memory::Cluster;
use portolan_native::runtime;
use serde_json::json;

fn owned(kind: &str, api_version: &str, name: &str, owner: Option<&str>, cluster: &Cluster) -> String {
    let owners = owner.map(
        |uid| json!([{ "apiVersion": "v1", "kind": "Any", "name": "any", "uid": uid, "controller": true }]),
    );
    let mut object = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name, "namespace": "default" } });
    if let Some(owners) = owners {
        object["metadata"]["ownerReferences"] = owners;
    }
    let made = cluster.create(object).unwrap();
    made["metadata"]["uid"].as_str().unwrap().to_owned()
}

async fn find(client: &Client, name: &str) -> Result<Tree, Error> {
    let discovery = client.discovery().server_groups_and_resources().await.unwrap();
    let maps = ApiResource::new("v1", "ConfigMap", "configmaps", true).unwrap();
    Tree::find(client, &discovery, &maps, "default", name).await
}

#[tokio::test]
async fn a_tree_is_found_from_any_of_its_members() {
    let cluster = Cluster::new(runtime().unwrap());
    let root = owned("ConfigMap", "v1", "root", None, &cluster);
    let middle = owned("ConfigMap", "v1", "middle", Some(&root), &cluster);
    owned("Secret", "v1", "leaf", Some(&middle), &cluster);
    owned("ConfigMap", "v1", "second", Some(&root), &cluster);
    owned("ConfigMap", "v1", "stranger", None, &cluster);
    let client = cluster.client();
    let tree = find(&client, "middle").await.unwrap();
    assert!(tree.missing().is_empty(), "{:?}", tree.missing());
    let names: Vec<String> = tree
        .to_string()
        .lines()
        .map(|line| line.split("   ").next().unwrap().trim_end().to_owned())
        .collect();
    assert_eq!(
        names,
        ["NAME", "ConfigMap/root", "├─ConfigMap/middle ←", "│ └─Secret/leaf", "└─ConfigMap/second"]
    );
    let error = find(&client, "none").await.err().unwrap();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn owners_in_a_circle_are_printed_once() {
    let cluster = Cluster::new(runtime().unwrap());
    let one = owned("ConfigMap", "v1", "one", None, &cluster);
    let two = owned("ConfigMap", "v1", "two", Some(&one), &cluster);
    let client = cluster.client();
    let mut tree = find(&client, "one").await.unwrap();
    let references = tree.members[&two].metadata.owner_references.clone();
    let member = tree.members.get_mut(&one).unwrap();
    member.metadata.owner_references = references;
    member.metadata.owner_references.as_mut().unwrap()[0].uid = two;
    assert_eq!(tree.rows().len(), 2);
    assert!(!tree.topmost().is_empty());
}

#[test]
fn readiness_is_read_from_conditions_or_the_phase() {
    let told = |status: Value| {
        let (ready, reason) = ready(&json!({ "status": status }).try_into().unwrap());
        format!("{ready} {reason}")
    };
    let condition = |name: &str, status: &str| json!({ "conditions": [{ "type": name, "status": status, "reason": "Why\u{1b}[31m" }] });
    assert_eq!(told(condition("Ready", "True")), "True ");
    assert_eq!(told(condition("Available", "False")), "False Why [31m");
    assert_eq!(told(json!({ "phase": "Bound" })), "- Bound");
    assert_eq!(told(Value::Null), "- ");
}
