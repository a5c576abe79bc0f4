//! A controller as a WASI component: keeps a checksum of its data beside every ConfigMap that asks for one.
//!
//! ```sh
//! cargo build --package=portolan-wasi --example=checksums --target=wasm32-wasip2
//! kubectl proxy --port=8001 &
//! npx jco run target/wasm32-wasip2/debug/examples/checksums.wasm http://127.0.0.1:8001
//! ```

#[cfg(target_os = "wasi")]
mod controller;

#[cfg(target_os = "wasi")]
fn main() {
    wstd::runtime::block_on(controller::run());
}

#[cfg(not(target_os = "wasi"))]
#[expect(clippy::print_stdout, reason = "what it has to say")]
fn main() {
    println!("this runs as a component: build it with --target=wasm32-wasip2");
}
