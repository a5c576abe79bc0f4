//! The browser transport in a shared worker of headless Chromium.

#![cfg(target_family = "wasm")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod cases;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_shared_worker);
