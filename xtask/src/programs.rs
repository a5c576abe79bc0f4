//! What a task may need beyond Rust, and whether it is there.

use std::path::PathBuf;

use crate::process::{command, output};
use crate::{cluster_binary, setup};

/// A thing a step needs; a step whose needs are not met is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// The wasm targets of the Rust toolchain.
    WasmTargets,
    /// `go`.
    Go,
    /// `node`, not too old, and `npm`.
    Node,
    /// Chromium and its chromedriver.
    Chromium,
    /// The npm packages of the tests and of kit/npm.
    BrowserPackages,
    /// The binary of tests/cluster.
    Cluster,
}

impl Need {
    /// Why the need is not met; none when it is.
    pub(crate) fn missing(self) -> Option<String> {
        match self {
            Self::WasmTargets => setup::missing_targets().err().map(|error| format!("{error:#}")),
            Self::Go => absent("go", &["go"]),
            Self::Node => absent("node", &["node"]).or_else(|| absent("npm", &["npm"])).or_else(old_node),
            Self::Chromium => {
                absent("chromium", &CHROMIUM).or_else(|| absent("chromedriver", &["chromedriver"]))
            }
            Self::BrowserPackages => setup::stale_packages()
                .then(|| "npm packages are not installed, or out of date: `cargo xtask setup`".to_owned()),
            Self::Cluster => match cluster_binary::is_fresh() {
                Ok(true) => None,
                Ok(false) => Some("the test cluster is not built, or out of date".to_owned()),
                Err(error) => Some(format!("{error:#}")),
            },
        }
    }
}

/// The names Chromium goes by.
pub(crate) const CHROMIUM: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The first of `names` found on the path.
pub(crate) fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let directories: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| directories.iter().map(move |directory| directory.join(name)))
        .find(|file| file.is_file())
}

/// The oldest Node whose modules know the directory they lie in (`import.meta.dirname`).
const OLDEST_NODE: (u32, u32) = (20, 11);

/// Why the Node on the path will not do; none when it will.
pub(crate) fn old_node() -> Option<String> {
    let version = output(&mut command(&["node", "--version"])).ok()?;
    let (major, minor) = OLDEST_NODE;
    (read_version(&version)? < OLDEST_NODE).then(|| {
        format!(
            "node {} is too old: install {major}.{minor} or newer, from nodejs.org if need be",
            version.trim()
        )
    })
}

/// Major and minor of `v20.11.1`.
fn read_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn absent(shown: &str, names: &[&str]) -> Option<String> {
    find(names).is_none().then(|| format!("no {shown} on the path"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_only_what_is_there() {
        assert!(find(&["no-such-program", "cargo"]).is_some());
        assert_eq!(
            absent("no-such-program", &["no-such-program"]).as_deref(),
            Some("no no-such-program on the path")
        );
        assert_eq!(absent("cargo", &["cargo"]), None);
    }

    #[test]
    fn versions_of_node_compare_as_numbers() {
        assert!(read_version("v18.20.4\n").unwrap() < OLDEST_NODE);
        assert!(read_version("v20.9.0").unwrap() < OLDEST_NODE);
        assert!(
            read_version("v22.1.0").unwrap() > OLDEST_NODE
                && read_version("v20.11.1").unwrap() >= OLDEST_NODE
        );
        assert_eq!(read_version("what?"), None);
    }
}
