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

test('of the Clientset the module holds what it calls', async () => {
  const discovery = new URL('../../core/src/client/generated/discovery.json', import.meta.url);
  const { groupVersions } = JSON.parse(await readFile(discovery, 'utf8'));
  const plurals = new Set(Object.values(groupVersions).flatMap(Object.keys));
  // Short ones are words that may stand for something else.
  const telling = [...plurals].filter((plural) => plural.length > 14);
  assert.ok(bytes.includes('pods'));
  assert.ok(telling.length > 20);
  assert.deepEqual(telling.filter((plural) => bytes.includes(plural)), []);
});
