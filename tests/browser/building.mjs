// Builds our programs by cargo and starts those that serve.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

let found;

/** Cargo's target directory. */
export function target() {
  found ??= JSON.parse(cargo('metadata', '--format-version=1', '--no-deps')).target_directory;
  return found;
}

/** Runs cargo to its end and returns what it printed. */
export function cargo(...args) {
  return execFileSync('cargo', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Builds a package as a module of a page, with its JavaScript, into `directory`. */
export function buildModule(name, directory) {
  cargo('build', `--package=${name}`, '--target=wasm32-unknown-unknown');
  const wasm = join(target(), `wasm32-unknown-unknown/debug/${name.replaceAll('-', '_')}.wasm`);
  const flags = ['--target=web', '--no-typescript', `--out-dir=${directory}`, wasm];
  cargo('run', '--quiet', '--package=wasm-runner', '--bin=bindgen', '--', ...flags);
}

/** Builds what `serve` starts: the scripted peer of the conformance suite, and the API server in memory. */
export function buildServers() {
  cargo('build', '--package=portolan-peer', '--package=portolan-tests', '--bins');
}

/** Starts one of them, which prints its address and serves until its input ends. */
export async function serve(name, ...args) {
  const child = spawn(join(target(), 'debug', name), args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return { address: /http:\S+/.exec(line)[0], stop: () => child.stdin.end() };
}

/** An address where nobody listens. */
export async function nobody() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}
