//! What `deny.toml` says of licences, sources and banned crates, held against what Cargo would build for a server, for a
//! page and for a WASI component. `cargo deny check` reads the same file; this needs nothing but Cargo.

use std::process::Command;

use serde::Deserialize;

use super::none;
use super::sources;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";
const TARGETS: [&str; 3] = ["x86_64-unknown-linux-gnu", "wasm32-unknown-unknown", "wasm32-wasip2"];

#[derive(Deserialize)]
struct Rules {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// One package as `cargo metadata` tells of it; without a source it is the workspace's own.
#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

fn rules() -> Rules {
    toml::from_str(&sources::text("deny.toml")).unwrap()
}

fn packages(target: &str) -> Vec<Package> {
    let cargo = std::env::var("CARGO").unwrap();
    let filter = format!("--filter-platform={target}");
    let output = Command::new(cargo)
        .args(["metadata", "--locked", "--format-version=1", &filter])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Metadata>(&output.stdout).unwrap().packages
}

fn complaints(rules: &Rules, package: &Package) -> Vec<String> {
    let Package { name, version, license, source } = package;
    let mut found = Vec::new();
    if let Some(banned) = rules.bans.deny.iter().find(|banned| banned.name == *name) {
        found.push(format!("{name} {version} is banned: {}", banned.reason));
    }
    if source.as_ref().is_some_and(|source| source != REGISTRY) {
        found.push(format!("{name} {version} comes from {source:?}, not from the registry"));
    }
    let expression = license.as_deref().unwrap_or("none");
    let allowed = spdx::Expression::parse_mode(expression, spdx::ParseMode::LAX).is_ok_and(|expression| {
        expression.evaluate(|asked| rules.licenses.allow.contains(&asked.to_string()))
    });
    if !allowed {
        found.push(format!("{name} {version} is licensed {expression}, which deny.toml does not allow"));
    }
    found
}

#[test]
fn every_dependency_is_allowed() {
    let rules = rules();
    for target in TARGETS {
        let packages = packages(target);
        assert!(packages.iter().filter(|package| package.source.is_some()).count() > 50, "{target}");
        none(&packages.iter().flat_map(|package| complaints(&rules, package)).collect::<Vec<_>>());
    }
}

#[test]
fn what_is_not_allowed_is_found() {
    let package = |name: &str, license: Option<&str>, source: &str| Package {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        license: license.map(str::to_owned),
        source: Some(source.to_owned()),
    };
    let count = |package| complaints(&rules(), &package).len();
    assert_eq!(count(package("good", Some("MIT OR GPL-3.0-only"), REGISTRY)), 0);
    assert_eq!(count(package("old-style", Some("MIT/Apache-2.0"), REGISTRY)), 0);
    assert_eq!(count(package("copyleft", Some("MIT AND GPL-3.0-only"), REGISTRY)), 1);
    assert_eq!(count(package("unlicensed", None, REGISTRY)), 1);
    assert_eq!(count(package("elsewhere", Some("MIT"), "git+https://example.com/x")), 1);
    assert_eq!(count(package("openssl-sys", Some("MIT"), REGISTRY)), 1);
}
