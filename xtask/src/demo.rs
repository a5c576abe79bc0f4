//! `cargo xtask demo`: builds the dashboard and serves it, by itself on an in-memory cluster, or from `kubectl proxy` on a
//! real one.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

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
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8001)]
    port: u16,
    /// Only build; print the directory that is to be served.
    #[arg(long)]
    build_only: bool,
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let directory = build()?;
    if options.build_only {
        println!("{}", directory.display());
        return Ok(());
    }
    if options.cluster { serve_cluster(&directory, options) } else { serve_memory(&directory, options.port) }
}

/// Builds the page into `<target>/demo`, anew each time.
pub(crate) fn build() -> Result<PathBuf> {
    let directory = workspace::target()?.join("demo");
    let wasm = bindgen::compile()?;
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    bindgen::generate(&wasm, &directory, bindgen::Names::Dropped)?;
    copy(&workspace::root().join("web-demo/static"), &directory)?;
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

fn serve_memory(directory: &Path, port: u16) -> Result<()> {
    let server = serve::Server::bind(directory, port)?;
    println!("the dashboard on an in-memory cluster: http://127.0.0.1:{}/   (Ctrl-C ends)", server.port());
    server.run();
    Ok(())
}

fn serve_cluster(directory: &Path, options: &Options) -> Result<()> {
    if find(&["kubectl"]).is_none() {
        bail!("kubectl is not on the path: it connects the page to the cluster");
    }
    let port = if options.port == 0 { free_port()? } else { options.port };
    let mut proxy = command(&["kubectl", "proxy", "--www-prefix=/portolan/"]);
    proxy.arg(format!("--www={}", directory.display())).arg(format!("--port={port}"));
    if let Some(context) = &options.context {
        proxy.arg(format!("--context={context}"));
    }
    if let Some(kubeconfig) = &options.kubeconfig {
        let file = std::path::absolute(kubeconfig)?; // it runs in another directory
        proxy.arg(format!("--kubeconfig={}", file.display()));
    }
    println!("the dashboard on your cluster: http://127.0.0.1:{port}/portolan/?source=proxy   (Ctrl-C ends)");
    process::replace(&mut proxy)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
