// WASI components under Node, by jco: the contract of a transport, the scenario, and a controller at its work, on the API
// server in memory and on a real one through kubectl proxy.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { transpile } from '@bytecodealliance/jco-transpile';
import { buildServers, cargo, nobody, serve, target } from '../browser/building.mjs';
import { startCluster } from '../browser/cluster.mjs';
import { until } from '../browser/waiting.mjs';

let checksums, component;

before(async () => {
  buildServers();
  cargo('build', '--package=test-component', '--target=wasm32-wasip2', '--profile=wasm');
  cargo('build', '--package=portolan-wasi', '--example=checksums', '--target=wasm32-wasip2', '--profile=wasm');
  component = await translate('test-component');
  checksums = await translate('examples/checksums');
});

/** Makes JavaScript of a component, as `jco transpile` does; returns the program that runs it. */
async function translate(name) {
  const outDir = join(import.meta.dirname, 'node_modules/.components', name); // from here the shims are found
  const { files } = await transpile(join(target(), `wasm32-wasip2/wasm/${name}.wasm`), { outDir });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  const program = join(outDir, 'run.mjs');
  const entry = Object.keys(files).find((path) => path.endsWith(`${name.split('/').pop()}.js`));
  await writeFile(program, `// Runs the component.\nimport { run } from ${JSON.stringify(entry)};\nrun.run();\n`);
  return program;
}

/** Starts a component; its lines as they come. */
function start(t, program, ...args) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  const lines = [];
  let rest = '';
  child.stdout.on('data', (chunk) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop();
    lines.push(...parts);
  });
  return { lines, ended: once(child, 'close').then(([code]) => code) };
}

async function played(t, server) {
  const { lines, ended } = start(t, component, 'scenario', server);
  assert.equal(await ended, 0, lines.join('\n'));
  assert.equal(lines.length, 11);
}

/** What of the contract Node's host gives no way to keep, by the beginning of what is told. WASI 0.2 has no WebSockets. */
const CANNOT = {
  'dropping a body ends the exchange': 'nothing came', // jco goes on with what its component has dropped
  'dropping a future ends the exchange': 'nothing came',
  'an answer that is not HTTP is told': 'Transport(Interrupted) instead of [Protocol]', // an internal error of the host's
  "a socket's messages come in order": 'this transport opens no WebSockets',
  "a socket's messages go in order": 'this transport opens no WebSockets',
  "a socket's subprotocol is told": 'this transport opens no WebSockets',
  'a socket that is closed ends': 'this transport opens no WebSockets',
  'a socket that breaks fails': 'this transport opens no WebSockets',
  'a socket that is refused says why': 'the refusal is told as Error { kind: Unsupported',
  'dropping a socket ends the exchange': 'this transport opens no WebSockets',
};

test('a component keeps of the contract what its host can', async (t) => {
  const peer = await serve('portolan-peer');
  t.after(() => peer.stop());
  const { lines, ended } = start(t, component, 'contract', peer.address, await nobody());
  assert.equal(await ended, 0, lines.join('\n'));
  assert.ok(lines.length >= 18, `${lines.length} clauses`);
  const broken = lines.filter((line) => !line.startsWith('holds: '));
  for (const [clause, told] of Object.entries(CANNOT)) {
    assert.ok(broken.some((line) => line.startsWith(`broken: ${clause}: ${told}`)), `${clause}: strike it off the list`);
  }
  assert.equal(broken.length, Object.keys(CANNOT).length, broken.join('\n'));
  t.diagnostic(`${lines.length - broken.length} of ${lines.length} clauses hold`);
});

test('a component plays the scenario on the API server in memory', async (t) => {
  const server = await serve('memory-server');
  t.after(() => server.stop());
  await played(t, server.address);
});

test('on a real API server through kubectl proxy it plays the scenario, and a controller does its work', async (t) => {
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  const proxy = await cluster.proxy(import.meta.dirname);
  t.after(() => proxy.stop());
  await played(t, proxy.origin);
  const labelled = (name, data) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels: { 'example.com/checksum': 'wanted' } },
    data,
  });
  await cluster.kubectl(['create', '-f', '-'], labelled('before', { a: '1' }));
  const controller = start(t, checksums, proxy.origin);
  await until('the controller in sync', () => controller.lines.includes('in sync: 1 config maps'));
  await cluster.kubectl(['create', '-f', '-'], labelled('after', { a: '2' }));
  const noted = async (name) => {
    const map = JSON.parse(await cluster.kubectl(['get', 'configmap', name, '--output=json']));
    return map.metadata.annotations?.['example.com/checksum-of-data'];
  };
  const [before, after] = [await until('a checksum', () => noted('before')), await until('a checksum', () => noted('after'))];
  assert.match(before, /^[0-9a-f]{16}$/);
  assert.notEqual(before, after);
  await cluster.kubectl(['patch', 'configmap', 'after', '--type=merge', '--patch={"data":{"a":"1"}}']);
  await until('the new checksum', async () => (await noted('after')) === before);
});
