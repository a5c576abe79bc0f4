//! The steps of `cargo xtask test`, in order: a new kind of test is one more entry.

use super::tally::Count;
use crate::programs::Need;

/// One step: a program, run in a directory of the repository.
pub(crate) struct Step {
    pub(crate) title: &'static str,
    pub(crate) count: Count,
    /// The program and its arguments, apart by white space.
    pub(crate) line: &'static str,
    pub(crate) directory: &'static str,
    /// A step whose needs are not met is skipped.
    pub(crate) needs: &'static [Need],
    /// Whether `--quick` runs it: it needs nothing but Rust.
    pub(crate) quick: bool,
}

/// All of them, in order.
pub(crate) fn all() -> Vec<Step> {
    [on_rust(), on_wasm(), beside_go(), on_a_cluster()].into_iter().flatten().collect()
}

/// What needs Rust and its targets.
fn on_rust() -> Vec<Step> {
    use Count::{Cargo, Check};
    vec![
        step("formatting", Check, "cargo fmt --all --check").quick(),
        // Its lints stand in its soak, for they want wasmtime built.
        step(
            "formatting of the host on wasmtime",
            Check,
            "cargo fmt --check --manifest-path=tests/wasmtime/Cargo.toml",
        )
        .quick(),
        step(
            "lints",
            Check,
            "cargo clippy --workspace --exclude=portolan-wasm --all-targets \
             --features=portolan-tests/cluster,kubectl-portolan/cluster,portolan-plugins/guest,example-plugin-host/guest \
             -- --deny=warnings",
        )
        .quick(),
        step(
            "lints of the wasm side",
            Check,
            "cargo clippy --package=portolan-wasm --package=web-demo --package=demo-cluster --package=demo-yaml \
             --package=portolan-kit --package=browser-page --package=test-guest --package=test-extism --package=bench-page \
             --package=example-dashboard --package=example-plugin \
             --target=wasm32-unknown-unknown --all-targets \
             -- --deny=warnings",
        )
        .needs(&[Need::WasmTargets])
        .quick(),
        step("unit, doc, simulation and tidy tests", Cargo, "cargo test --workspace --exclude=portolan-wasm --no-fail-fast").quick(),
        step(
            "the book’s programs for kube-rs",
            Check,
            "cargo clippy --manifest-path=examples/side-by-side/kube-rs/Cargo.toml --locked --target-dir=target/kube-rs \
             -- --deny=warnings",
        )
        .quick(),
        step(
            "the Clientset with the oldest Kubernetes version",
            Cargo,
            "cargo --config=env.K8S_OPENAPI_ENABLED_VERSION='1.33' test --package=portolan --test=clientset \
             --target-dir=target/oldest",
        )
        .quick(),
        step(
            "lints of the WASI side",
            Check,
            "cargo clippy --package=portolan-wasi --package=test-component --target=wasm32-wasip2 --all-targets \
             -- --deny=warnings",
        )
        .needs(&[Need::WasmTargets])
        .quick(),
    ]
}

/// Core and the transports as wasm: in Node, in wasmi, in Chromium.
fn on_wasm() -> Vec<Step> {
    use Count::{Cargo, Check, Node};
    vec![
        step(
            "core as a wasm module by itself",
            Check,
            "cargo build --package=bare-wasm --target=wasm32-unknown-unknown",
        )
        .needs(&[Need::WasmTargets])
        .quick(),
        step("that module imports nothing and runs", Node, "node --test tests/bare-wasm/bare-wasm.test.mjs")
            .needs(&[Need::WasmTargets, Need::Node]),
        step(
            "a guest of the host's transport",
            Check,
            "cargo build --package=test-guest --target=wasm32-unknown-unknown --profile=wasm",
        )
        .needs(&[Need::WasmTargets])
        .quick(),
        step(
            "the plugin of the tutorial",
            Check,
            "cargo build --package=example-plugin --target=wasm32-unknown-unknown",
        )
        .needs(&[Need::WasmTargets])
        .quick(),
        step(
            "guest and plugin, run by wasmi",
            Cargo,
            "cargo test --workspace --exclude=portolan-wasm --features=portolan-plugins/guest,example-plugin-host/guest \
             --test=wasmi --test=tutorial",
        )
        .needs(&[Need::WasmTargets])
        .quick(),
        step(
            "that guest, run by Node, and one in Extism",
            Node,
            "node --experimental-websocket --test tests/guest/border.test.mjs tests/guest/guest.test.mjs \
             tests/guest/extism.test.mjs",
        )
        .needs(&[Need::WasmTargets, Need::Node, Need::BrowserPackages]),
        step(
            "the browser transport in Chromium",
            Cargo,
            "cargo test --package=portolan-wasm --target=wasm32-unknown-unknown --no-fail-fast",
        )
        .needs(&[Need::WasmTargets, Need::Chromium]),
        step(
            "the contract of a transport, and the dashboard without a cluster, in Chromium",
            Node,
            "node --test --test-concurrency=1 tests/browser/conformance.test.mjs tests/browser/page.test.mjs \
             tests/browser/modules.test.mjs tests/browser/looks.test.mjs tests/browser/keys.test.mjs \
             tests/browser/printed.test.mjs tests/browser/hostile.test.mjs tests/browser/figures.test.mjs",
        )
        .needs(&[Need::WasmTargets, Need::Node, Need::BrowserPackages, Need::Chromium]),
    ]
}

/// The real client-go beside Portolan.
fn beside_go() -> Vec<Step> {
    use Count::{Check, Go};
    vec![
        step("vet of the test cluster", Check, "go vet ./...").within("tests/cluster").needs(&[Need::Go]),
        step("tests of the test cluster", Go, "go test -v ./...").within("tests/cluster").needs(&[Need::Go]),
        step("what is generated is what its source says", Check, "cargo xtask codegen --check")
            .needs(&[Need::Go, Need::Cluster]),
        step("the codecs against Go", Check, "cargo xtask fixtures").needs(&[Need::Go]),
        step("vet of client-go's side of parity", Check, "go vet ./...")
            .within("tests/parity/client-go")
            .needs(&[Need::Go]),
        step("informers and the workqueue beside client-go's", Check, "cargo xtask parity")
            .needs(&[Need::Go]),
        step("informers beside client-go's on a real server", Check, "cargo xtask parity --real")
            .needs(&[Need::Go, Need::Cluster]),
    ]
}

/// The real API server, and with it the real kubectl and the real browser.
fn on_a_cluster() -> Vec<Step> {
    use Count::{Cargo, Check, Node};
    vec![
        step("soaks, a minute each at most", Check, "cargo xtask soak --short").needs(&[Need::Cluster]),
        step(
            "a real cluster, and the examples on it",
            Cargo,
            // The whole workspace is chosen, so that what the unit tests built serves: of one package alone Cargo builds
            // its dependencies with other features, once more.
            "cargo test --workspace --exclude=portolan-wasm --features=portolan-tests/cluster --test=real --test=programs \
             --no-fail-fast",
        )
        .needs(&[Need::Cluster]),
        step(
            "the kubectl plugin through kubectl",
            Cargo,
            "cargo test --workspace --exclude=portolan-wasm --features=kubectl-portolan/cluster --test=plugin kubectl::",
        )
        .needs(&[Need::Cluster]),
        step(
            "a guest and WASI components on a real cluster through kubectl proxy",
            Node,
            "node --experimental-websocket --test --test-concurrency=1 tests/guest/cluster.test.mjs \
             tests/component/component.test.mjs",
        )
        .needs(&[Need::WasmTargets, Need::Node, Need::BrowserPackages, Need::Cluster]),
        step(
            "Chromium on a real cluster through kubectl proxy",
            Node,
            "node --test --test-concurrency=1 tests/browser/transport.test.mjs \
             tests/browser/resilience.test.mjs tests/browser/dashboard.test.mjs tests/browser/actions.test.mjs \
             tests/browser/inspect.test.mjs tests/browser/streams.test.mjs",
        )
        .needs(&[
            Need::WasmTargets,
            Need::Node,
            Need::BrowserPackages,
            Need::Chromium,
            Need::Cluster,
        ]),
        step(
            "the packed npm package, in Node and in Chromium, and the dashboards of the tutorials",
            Node,
            "node --test --test-concurrency=1 kit/tests/handles.test.mjs kit/tests/node.test.mjs kit/tests/browser.test.mjs \
             kit/tests/apart.test.mjs kit/tests/busy.test.mjs kit/tests/react.test.mjs tests/browser/book.test.mjs",
        )
        .needs(&[Need::WasmTargets, Need::Node, Need::BrowserPackages, Need::Chromium, Need::Cluster]),
    ]
}

/// The tests on a real cluster, one of an older minor version; what compares it with the one in memory, which is of the
/// current version, is left out.
pub(crate) const fn on_an_older_cluster() -> Step {
    step(
        "a real cluster with an older API server, and the examples on it",
        Count::Cargo,
        "cargo test --package=portolan-tests --features=cluster --test=real --test=programs --no-fail-fast \
         -- --skip=sees_no_difference",
    )
}

const fn step(title: &'static str, count: Count, line: &'static str) -> Step {
    Step { title, count, line, directory: ".", needs: &[], quick: false }
}

impl Step {
    const fn quick(self) -> Self {
        Self { quick: true, ..self }
    }

    const fn needs(self, needs: &'static [Need]) -> Self {
        Self { needs, ..self }
    }

    const fn within(self, directory: &'static str) -> Self {
        Self { directory, ..self }
    }
}
