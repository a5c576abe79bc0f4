//! `cargo xtask fixtures`: the codecs, selectors, quantities and kubeconfigs against Go, each suite ending in `n of m`.
//!
//! The fixtures lie in the Go module k8s.io/api, which Go's own client fetches; nothing of them is in this repository.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;

use crate::process::{command, output, run as perform};
use crate::{cluster_binary, codegen, workspace};

/// The Go packages whose tests' cases must come out here as there.
const PACKAGES: [&str; 4] = [
    "k8s.io/apimachinery/pkg/labels",
    "k8s.io/apimachinery/pkg/fields",
    "k8s.io/apimachinery/pkg/api/resource",
    "k8s.io/client-go/tools/clientcmd",
];

/// So many cases each of them has at least, and all together: fewer were not all found.
const LEAST_CASES: (usize, usize) = (60, 400);

/// What to compare.
#[derive(Args)]
pub(crate) struct Options {
    /// Where chance begins: the same number makes the same objects.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many random objects of each kind.
    #[arg(long, default_value_t = 15)]
    each: u32,
}

/// What `go list -m -json` and `go mod download -json` tell of a module.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Module {
    version: String,
    #[serde(default)]
    dir: String,
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let built = ["cargo", "build", "--quiet", "--package=portolan-fixtures"];
    perform(&mut command(&built))?;
    let program = workspace::target()?.join("debug/portolan-fixtures");
    let fixtures = upstream()?;
    let upstream = compare(&program, &["upstream", &fixtures]);
    let upstream = upstream.and(compare(&program, &["typed", &fixtures]));
    let corpus = corpus(options, &program);
    let cases: Vec<Result<usize>> = PACKAGES.iter().map(|package| cases(package, &program)).collect();
    let cases = cases.into_iter().collect::<Result<Vec<usize>>>().and_then(|counts| enough(&counts));
    let requests = compare(&program, &["requests", &module("k8s.io/client-go")?]);
    upstream.and(corpus).and(cases).and(requests)
}

/// Whether so many cases were found of each package.
fn enough(counts: &[usize]) -> Result<()> {
    let (each, all) = LEAST_CASES;
    let sum = counts.iter().sum::<usize>();
    println!("{sum} cases of Go's tests in all: {counts:?}");
    if sum < all || counts.iter().any(|count| *count < each) {
        bail!("{all} cases of Go's tests are known, and {each} of each package: some were not found");
    }
    Ok(())
}

/// Takes the cases out of the tests of a Go package, and compares; how many there are.
fn cases(package: &str, program: &Path) -> Result<usize> {
    let name = package.rsplit('/').next().unwrap_or(package);
    let directory = workspace::target()?.join("corpus");
    fs::create_dir_all(&directory).context("making a directory for the cases")?;
    let found = directory.join(format!("{name}.jsonl"));
    let file = File::create(&found).context("a file for the cases")?;
    perform(codegen::schema(&["cases", package]).stdout(file))?;
    compare(program, &["cases", name, &found.to_string_lossy()])?;
    Ok(fs::read_to_string(&found).context("the cases")?.lines().count())
}

/// The directory of a module of Kubernetes, of the version that the tables are made from: all have the same.
fn module(name: &str) -> Result<String> {
    let read = |line: &[&str]| -> Result<Module> {
        let mut go = cluster_binary::go(line);
        let text = output(go.current_dir(codegen::directory()))?;
        serde_json::from_str(&text).with_context(|| format!("the output of go {}", line.join(" ")))
    };
    let version = read(&["list", "-m", "-json", "k8s.io/api"])?.version;
    Ok(read(&["mod", "download", "-json", &format!("{name}@{version}")])?.dir)
}

/// The directory of Kubernetes' own fixtures.
pub(crate) fn upstream() -> Result<String> {
    let module = module("k8s.io/api")?;
    let directory = Path::new(&module).join("testdata/HEAD");
    if !directory.is_dir() {
        bail!("k8s.io/api has no testdata/HEAD in {module:?}");
    }
    Ok(directory.to_string_lossy().into_owned())
}

/// Has Go make objects, compares, and has Go read what was written of them.
fn corpus(options: &Options, program: &Path) -> Result<()> {
    let directory = workspace::target()?.join("corpus");
    fs::create_dir_all(&directory).context("making a directory for the corpus")?;
    let (made, written) = (directory.join("made.jsonl"), directory.join("written.jsonl"));
    let (seed, each) = (options.seed.to_string(), options.each.to_string());
    println!("{each} random objects of each kind, seed {seed}");
    let file = File::create(&made).context("a file for the corpus")?;
    perform(codegen::schema(&["corpus", &seed, &each]).stdout(file))?;
    compare(program, &["corpus", &made.to_string_lossy(), &written.to_string_lossy()])?;
    compare(program, &["hostile", &made.to_string_lossy()])?;
    let file = File::open(&written).context("what was written of the corpus")?;
    println!("read by Go:");
    perform(codegen::schema(&["verify"]).stdin(file))
}

fn compare(program: &Path, arguments: &[&str]) -> Result<()> {
    perform(std::process::Command::new(program).args(arguments))
}
