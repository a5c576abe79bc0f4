// Loads the module that wasm-bindgen made.
import init from './example_dashboard.js';

await init();
