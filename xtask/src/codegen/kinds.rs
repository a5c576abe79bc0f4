//! The kinds that k8s-openapi has, and in which Kubernetes versions: read from its source, where each kind is one file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::process;

/// All of them.
pub(crate) struct Kinds {
    /// The version of the crate.
    pub(crate) release: String,
    /// The minor versions of Kubernetes it offers, as 33 for 1.33.
    pub(crate) minors: BTreeSet<u32>,
    /// By apiVersion and kind.
    pub(crate) kinds: BTreeMap<(String, String), Kind>,
}

/// One kind.
pub(crate) struct Kind {
    /// The path of its Rust type.
    pub(crate) path: String,
    /// The minor versions that have it.
    pub(crate) minors: BTreeSet<u32>,
    /// Whether it is a resource of its own: neither a subresource nor a document of the API itself.
    pub(crate) is_resource: bool,
}

impl Kinds {
    /// Reads the crate's source as Cargo unpacked it.
    pub(crate) fn read() -> Result<Self> {
        let (release, source) = package()?;
        let mut kinds = Self { release, minors: BTreeSet::new(), kinds: BTreeMap::new() };
        for entry in fs::read_dir(&source)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(minor) = name.strip_prefix("v1_").and_then(|minor| minor.parse().ok()) {
                kinds.minors.insert(minor);
                kinds.collect(minor, &path, "k8s_openapi")?;
            }
        }
        if kinds.minors.is_empty() {
            bail!("no Kubernetes version in {}", source.display());
        }
        Ok(kinds)
    }

    fn collect(&mut self, minor: u32, folder: &Path, module: &str) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                self.collect(minor, &path, &format!("{module}::{name}"))?;
            } else if let Some(found) = declared(&fs::read_to_string(&path)?) {
                let rust = format!("{module}::{}", found.name);
                let kind = self.kinds.entry((found.api_version, found.kind)).or_insert_with(|| Kind {
                    path: rust,
                    minors: BTreeSet::new(),
                    is_resource: found.is_resource,
                });
                kind.minors.insert(minor);
            }
        }
        Ok(())
    }
}

/// What a file says of its kind.
struct Declared {
    name: String,
    api_version: String,
    kind: String,
    is_resource: bool,
}

fn declared(text: &str) -> Option<Declared> {
    let (_, rest) = text.split_once("impl crate::Resource for ")?;
    let (name, rest) = rest.split_once(' ')?;
    let body = rest.split("\n}").next()?;
    let constant = |name: &str| {
        let (_, rest) = body.split_once(&format!("const {name}: &'static str = \""))?;
        rest.split('"').next().map(str::to_owned)
    };
    let is_resource = !body.contains("SubResourceScope") && !constant("URL_PATH_SEGMENT")?.is_empty();
    Some(Declared {
        name: name.to_owned(),
        api_version: constant("API_VERSION")?,
        kind: constant("KIND")?,
        is_resource,
    })
}

/// The version of k8s-openapi in Cargo.lock, and the folder of its source.
fn package() -> Result<(String, PathBuf)> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
        manifest_path: PathBuf,
    }
    let text =
        process::output(&mut process::command(&["cargo", "metadata", "--format-version=1", "--locked"]))?;
    let metadata: Metadata = serde_json::from_str(&text)?;
    let found = metadata.packages.into_iter().find(|package| package.name == "k8s-openapi");
    let package = found.context("the workspace does not use k8s-openapi")?;
    Ok((package.version, package.manifest_path.parent().unwrap_or(Path::new("")).join("src")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_from_its_file() {
        let text = "pub struct Scale {}\n\nimpl crate::Resource for Scale {\n    const API_VERSION: &'static str = \
                    \"autoscaling/v1\";\n    const KIND: &'static str = \"Scale\";\n    const URL_PATH_SEGMENT: \
                    &'static str = \"scale\";\n    type Scope = crate::SubResourceScope;\n}\n";
        let found = declared(text).unwrap();
        assert_eq!(
            (found.api_version.as_str(), found.kind.as_str(), found.is_resource),
            ("autoscaling/v1", "Scale", false)
        );
        assert!(declared("pub struct Part {}").is_none());
    }
}
