//! `cargo xtask demo`: builds the dashboard and serves it, by itself on an in-memory cluster, or from `kubectl proxy` on a
//! real one. What serving needs is looked for before the page is built, which takes minutes the first time.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::process::{self, command};
use crate::programs::find;
use crate::{bindgen, serve, workspace};

/// How to serve the dashboard.
#[derive(Args)]
pub(crate) struct Options {
    /// Show a real cluster: serve the page from `kubectl proxy`.
    #[arg(long)]
    cluster: bool,
    /// The kubeconfig context to use, with --cluster.
    #[arg(long, requires = "cluster")]
    context: Option<String>,
    /// The kubeconfig file to use, with --cluster.
    #[arg(long, requires = "cluster")]
    kubeconfig: Option<PathBuf>,
    /// Let the page's terminal run commands in containers, with --cluster: whoever reaches the port can then do so.
    #[arg(long, requires = "cluster")]
    exec: bool,
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8001)]
    port: u16,
    /// Only build; print the directory that is to be served.
    #[arg(long)]
    build_only: bool,
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.build_only {
        println!("{}", build()?.display());
        Ok(())
    } else if options.cluster {
        serve_cluster(options)
    } else {
        serve_memory(options.port)
    }
}

/// Builds the page into `<target>/demo`. It is put there whole: whoever serves that directory has a page at all times.
fn build() -> Result<PathBuf> {
    let target = workspace::target()?;
    let [fresh, old] = ["new", "old"].map(|word| target.join(format!("demo-{word}-{}", std::process::id())));
    for module in [bindgen::DASHBOARD, bindgen::CLUSTER, bindgen::YAML] {
        let wasm = bindgen::compile(module, bindgen::SHIPPED)?;
        bindgen::generate(module, &wasm, &fresh, bindgen::Names::Dropped)?;
    }
    copy(&workspace::root().join("web-demo/static"), &fresh)?;
    let directory = target.join("demo");
    if directory.exists() {
        fs::rename(&directory, &old)?;
    }
    fs::rename(&fresh, &directory)?;
    if old.exists() {
        fs::remove_dir_all(&old)?;
    }
    Ok(directory)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let path = entry?.path();
        let copied = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &copied)?;
        } else {
            fs::copy(&path, &copied)?;
        }
    }
    Ok(())
}

fn serve_memory(port: u16) -> Result<()> {
    let server = serve::Server::bind(port)?;
    let directory = build()?;
    println!("the dashboard on an in-memory cluster: http://127.0.0.1:{}/   (Ctrl-C ends)", server.port());
    server.run(&directory);
    Ok(())
}

fn serve_cluster(options: &Options) -> Result<()> {
    if find(&["kubectl"]).is_none() {
        bail!("kubectl is not on the path: it connects the page to the cluster");
    }
    check_context(options)?;
    let port = free_port(options.port)?;
    let directory = build()?;
    let mut proxy = kubectl(options, &["proxy", "--www-prefix=/portolan/"])?;
    proxy.arg(format!("--www={}", directory.display())).arg(format!("--port={port}"));
    if options.exec {
        proxy.arg("--reject-paths=^$");
    }
    println!("the dashboard on your cluster: http://127.0.0.1:{port}/portolan/?source=proxy   (Ctrl-C ends)");
    process::replace(&mut proxy)
}

/// Has kubectl look whether there is such a context.
fn check_context(options: &Options) -> Result<()> {
    if let Some(missing) = options.kubeconfig.as_ref().filter(|kubeconfig| !kubeconfig.is_file()) {
        bail!("--kubeconfig: there is no file {}", missing.display());
    }
    let mut view = kubectl(options, &["config", "view", "--minify", "--output=name"])?;
    let output = view.stdout(Stdio::null()).output().context("starting kubectl")?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("kubectl: {}; name a file with --kubeconfig and a context with --context", complaint.trim());
    }
    Ok(())
}

fn kubectl(options: &Options, arguments: &[&str]) -> Result<Command> {
    let mut kubectl = command(&["kubectl"]);
    kubectl.args(arguments);
    if let Some(context) = &options.context {
        kubectl.arg(format!("--context={context}"));
    }
    if let Some(kubeconfig) = &options.kubeconfig {
        let file = std::path::absolute(kubeconfig)?; // it runs in another directory
        kubectl.arg(format!("--kubeconfig={}", file.display()));
    }
    Ok(kubectl)
}

/// `port` if nobody has it, any free one for 0.
fn free_port(port: u16) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", port)).map_err(|error| serve::taken(port, &error))?;
    Ok(listener.local_addr()?.port())
}
