// Builds the test guest, by cargo.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cargo, target } from '../browser/building.mjs';

/** The guest's module. */
export async function buildGuest() {
  cargo('build', '--package=test-guest', '--target=wasm32-unknown-unknown', '--profile=wasm');
  return WebAssembly.compile(await readFile(join(target(), 'wasm32-unknown-unknown/wasm/test_guest.wasm')));
}
