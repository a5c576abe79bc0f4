//! What the tests run as a WASI component: `test-component scenario SERVER` or `test-component contract SERVER NOBODY`.
//! What it finds out it prints, a line each.

#[cfg(target_os = "wasi")]
mod component;

#[cfg(target_os = "wasi")]
fn main() {
    wstd::runtime::block_on(component::run());
}

#[cfg(not(target_os = "wasi"))]
#[expect(clippy::print_stdout, reason = "what it has to say")]
fn main() {
    println!("this runs as a component: build it with --target=wasm32-wasip2");
}
