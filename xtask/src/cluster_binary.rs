//! The Go programs of tests/cluster and tests/skew: built into the target directory, and built anew only when their sources
//! changed.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{command, output, shown};
use crate::workspace;

/// Where the binary is: `PORTOLAN_CLUSTER`, or in the target directory.
pub(crate) fn path() -> Result<PathBuf> {
    match std::env::var_os("PORTOLAN_CLUSTER") {
        Some(path) => Ok(path.into()),
        None => Ok(directory()?.join("portolan-cluster")),
    }
}

/// Whether the binary is there and made of the sources as they are. One named by `PORTOLAN_CLUSTER` is taken as it is.
pub(crate) fn is_fresh() -> Result<bool> {
    if !path()?.is_file() {
        return Ok(false);
    }
    let named = std::env::var_os("PORTOLAN_CLUSTER").is_some();
    Ok(named || fs::read_to_string(stamp()?).is_ok_and(|stamp| fingerprint().is_ok_and(|now| stamp == now)))
}

/// Builds the binary unless it is fresh. The first build compiles Kubernetes and takes several minutes.
pub(crate) fn build() -> Result<()> {
    if is_fresh()? {
        return Ok(());
    }
    if std::env::var_os("PORTOLAN_CLUSTER").is_some() {
        bail!("PORTOLAN_CLUSTER names {}, which is not there: correct it, or unset it", path()?.display());
    }
    let fingerprint = fingerprint()?;
    fs::create_dir_all(directory()?)?;
    compile(&sources(), &path()?)?;
    fs::write(stamp()?, fingerprint)?;
    Ok(())
}

/// Builds kube-apiserver and kube-controller-manager of tests/skew, of an older minor version, and gives the folder where
/// they stand beside etcd and kubectl of tests/cluster: one for `KUBEBUILDER_ASSETS`.
pub(crate) fn build_older() -> Result<PathBuf> {
    build()?;
    let folder = directory()?.join("older");
    fs::create_dir_all(&folder)?;
    let older = folder.join("kube-apiserver");
    compile(&workspace::root().join("tests/skew"), &older)?;
    for (name, program) in [("kube-controller-manager", &older), ("etcd", &path()?), ("kubectl", &path()?)] {
        let link = folder.join(name);
        let _ = fs::remove_file(&link); // there from the last time, or not
        std::os::unix::fs::symlink(program, &link).with_context(|| format!("linking {}", link.display()))?;
    }
    Ok(folder)
}

/// Builds the module in `sources` to `program`, whole or not at all, also when two builds run at once.
fn compile(sources: &Path, program: &Path) -> Result<()> {
    let partial = program.with_extension(std::process::id().to_string());
    let modules = fs::read_to_string(sources.join("go.mod"))?;
    let mut build = go(&["build", "-v", "-ldflags", &linker_flags(&modules)?, "-o"]);
    build.arg(&partial).arg(".").current_dir(sources);
    run_with_progress(&mut build, sources)?;
    fs::rename(&partial, program)?;
    Ok(())
}

/// `go` in tests/cluster. The flags shared by all its commands are given here: with others it compiles Kubernetes anew.
pub(crate) fn go(line: &[&str]) -> Command {
    let mut go = command(&["go"]);
    go.args(line).current_dir(sources()).env("GOFLAGS", "-trimpath -buildvcs=false");
    go
}

fn sources() -> PathBuf {
    workspace::root().join("tests/cluster")
}

fn directory() -> Result<PathBuf> {
    Ok(workspace::target()?.join("cluster"))
}

fn stamp() -> Result<PathBuf> {
    Ok(directory()?.join("fingerprint"))
}

/// Strips the binary, and tells Kubernetes its version, which its own build sets the same way.
fn linker_flags(modules: &str) -> Result<String> {
    let version = kubernetes_version(modules).context("go.mod requires no k8s.io/kubernetes")?;
    let mut parts = version.trim_start_matches('v').split('.');
    let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let mut flags = "-s -w".to_owned();
    for package in ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"] {
        for (name, value) in [("gitVersion", version), ("gitMajor", major), ("gitMinor", minor)] {
            flags.push_str(&format!(" -X {package}.{name}={value}"));
        }
    }
    Ok(flags)
}

fn kubernetes_version(modules: &str) -> Option<&str> {
    modules.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes ")).map(str::trim)
}

/// A hash of every source file of tests/cluster; go.mod is one of them, and the linker's flags come from it.
fn fingerprint() -> Result<String> {
    let mut files = Vec::new();
    collect(&sources(), &mut files)?;
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        hasher.write(file.as_os_str().as_encoded_bytes());
        hasher.write(&fs::read(&file)?);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            collect(&path, files)?;
        } else if matches!(&*name, "go.mod" | "go.sum")
            || (name.ends_with(".go") && !name.ends_with("_test.go"))
        {
            files.push(path);
        }
    }
    Ok(())
}

/// Runs `go build -v`, which names each package it compiles, and shows how far it is.
fn run_with_progress(build: &mut Command, sources: &Path) -> Result<()> {
    let packages = output(go(&["list", "-deps", "."]).current_dir(sources))?.lines().count();
    eprintln!("building Kubernetes of {}: {packages} packages, minutes the first time", sources.display());
    let mut child =
        build.stderr(Stdio::piped()).spawn().with_context(|| format!("starting {}", shown(build)))?;
    let stderr = child.stderr.take().context("the output of go")?;
    let failure = follow(stderr, packages);
    let status = child.wait()?;
    if !status.success() {
        bail!("go build in {}: {status}\n{failure}", sources.display());
    }
    Ok(())
}

/// Counts the packages named on `output`, and returns the last lines that are not package names.
fn follow(output: impl Read, packages: usize) -> String {
    let started = Instant::now();
    let terminal = std::io::stderr().is_terminal();
    let between = Duration::from_secs(if terminal { 1 } else { 20 });
    let (mut count, mut shown_at, mut messages) = (0, started, Vec::new());
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        if line.contains(' ') {
            messages.push(line);
            continue;
        }
        count += 1;
        if shown_at.elapsed() >= between {
            shown_at = Instant::now();
            let end = if terminal { '\r' } else { '\n' };
            eprint!("  {count} of at most {packages} packages, {} s{end}", started.elapsed().as_secs());
            let _ = std::io::stderr().flush();
        }
    }
    eprintln!("  {count} packages compiled in {} s", started.elapsed().as_secs());
    messages.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_comes_from_the_module_file() {
        let modules = "require (\n\tk8s.io/kubectl v0.1.2\n\tk8s.io/kubernetes v1.2.3\n)";
        assert_eq!(kubernetes_version(modules), Some("v1.2.3"));
        assert_eq!(kubernetes_version("module m"), None);
        let flags = linker_flags(modules).unwrap();
        assert!(flags.contains("k8s.io/component-base/version.gitMinor=2"), "{flags}");
    }

    #[test]
    fn messages_of_the_compiler_are_kept() {
        let output = "k8s.io/api/core/v1\n./main.go:3:1: syntax error: unexpected x\n";
        assert_eq!(follow(output.as_bytes(), 1), "./main.go:3:1: syntax error: unexpected x");
    }
}
