// Builds the test guest and the servers it is played against, by cargo.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** The guest's module. */
export async function buildGuest() {
  cargo('build', '--package=portolan-peer', '--package=portolan-tests', '--bins');
  cargo('build', '--package=test-guest', '--target=wasm32-unknown-unknown', '--profile=wasm');
  return WebAssembly.compile(await readFile(join(target(), 'wasm32-unknown-unknown/wasm/test_guest.wasm')));
}

/** Starts one of our programs that print their address and serve until their input ends. */
export async function serve(name) {
  const child = spawn(join(target(), 'debug', name), { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return { address: /http:\S+/.exec(line)[0], stop: () => child.stdin.end() };
}

/** Cargo's target directory. */
export function target() {
  return JSON.parse(cargo('metadata', '--format-version=1', '--no-deps')).target_directory;
}

/** Runs cargo to its end and returns what it printed. */
export function cargo(...args) {
  return execFileSync('cargo', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'inherit'] });
}
