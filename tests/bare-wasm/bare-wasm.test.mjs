// Core as a wasm module, run with nothing at all from outside: no clock, no randomness, no console.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';

// PORTOLAN_TARGET is cargo's target directory, where `cargo build --package=bare-wasm --target=wasm32-unknown-unknown`
// leaves the module.
const target = process.env.PORTOLAN_TARGET ?? join(import.meta.dirname, '../../target');
const bytes = await readFile(join(target, 'wasm32-unknown-unknown/debug/bare_wasm.wasm'));

test('the module imports nothing', async () => {
  const module = await WebAssembly.compile(bytes);
  assert.deepEqual(WebAssembly.Module.imports(module), []);
});

test('an informer syncs on a scripted transport in virtual time, and again after its watch broke', async () => {
  const { instance } = await WebAssembly.instantiate(bytes, {});
  assert.equal(instance.exports.informer(), 7);
});
