// What WASI components do under a host, whichever it is: the contract of a transport, the scenario, and a controller at its
// work, on the API server in memory and on a real one through kubectl proxy.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { before, test } from 'node:test';
import { buildServers, cargo, nobody, serve, target } from '../browser/building.mjs';
import { startCluster } from '../browser/cluster.mjs';
import { until } from '../browser/waiting.mjs';

/** What no host can keep of the contract, by the beginning of what is told: WASI 0.2 has no WebSockets. */
const NO_SOCKETS = {
  "a socket's messages come in order": 'this transport opens no WebSockets',
  "a socket's messages go in order": 'this transport opens no WebSockets',
  "a socket's subprotocol is told": 'this transport opens no WebSockets',
  'a socket that is closed ends': 'this transport opens no WebSockets',
  'a socket that breaks fails': 'this transport opens no WebSockets',
  'a socket that is refused says why': 'the refusal is told as Error { kind: Unsupported',
  'dropping a socket ends the exchange': 'this transport opens no WebSockets',
};

/** Builds the components, before the tests; of a path `prepare` makes what is spawned: a program, its first arguments. */
export function components(prepare) {
  const built = {};
  before(async () => {
    buildServers();
    cargo('build', '--package=test-component', '--target=wasm32-wasip2', '--profile=wasm');
    cargo('build', '--package=portolan-wasi', '--example=checksums', '--target=wasm32-wasip2', '--profile=wasm');
    built.tested = await prepare(join(target(), 'wasm32-wasip2/wasm/test-component.wasm'));
    built.checksums = await prepare(join(target(), 'wasm32-wasip2/wasm/examples/checksums.wasm'));
  });
  return built;
}

/** Starts a component; the lines it prints, and those on standard error, as they come. */
export function start(t, [program, ...first], ...args) {
  const child = spawn(program, [...first, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill());
  return { lines: linesOf(child.stdout), errors: linesOf(child.stderr), ended: once(child, 'close').then(([code]) => code) };
}

function linesOf(stream) {
  const lines = [];
  createInterface({ input: stream }).on('line', (line) => lines.push(line));
  return lines;
}

/** A ConfigMap that asks the controller for a checksum. */
export function labelled(name, data) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { 'example.com/checksum': 'wanted' } }, data };
}

async function played(t, component, server) {
  const { lines, errors, ended } = start(t, component, 'scenario', server);
  assert.equal(await ended, 0, [...lines, ...errors].join('\n'));
  assert.equal(lines.length, 11);
}

/** The tests of what `components` gave. `cannot` is what of the contract the host gives no way to keep, as `NO_SOCKETS` is. */
export function suite(built, cannot) {
  test('a component keeps of the contract what its host can', async (t) => {
    const peer = await serve('portolan-peer');
    t.after(() => peer.stop());
    const { lines, errors, ended } = start(t, built.tested, 'contract', peer.address, await nobody());
    assert.equal(await ended, 0, [...lines, ...errors].join('\n'));
    assert.ok(lines.length >= 18, `${lines.length} clauses`);
    const broken = lines.filter((line) => !line.startsWith('holds: '));
    const expected = Object.entries({ ...NO_SOCKETS, ...cannot });
    for (const [clause, told] of expected) {
      assert.ok(broken.some((line) => line.startsWith(`broken: ${clause}: ${told}`)), `${clause}: strike it off the list`);
    }
    assert.equal(broken.length, expected.length, broken.join('\n'));
    t.diagnostic(`${lines.length - broken.length} of ${lines.length} clauses hold`);
  });

  test('a component plays the scenario on the API server in memory', async (t) => {
    const server = await serve('memory-server');
    t.after(() => server.stop());
    await played(t, built.tested, server.address);
  });

  test('on a real API server through kubectl proxy it plays the scenario, and a controller does its work', async (t) => {
    const cluster = await startCluster();
    t.after(() => cluster.stop());
    const proxy = await cluster.proxy(import.meta.dirname);
    t.after(() => proxy.stop());
    await played(t, built.tested, proxy.origin);
    await cluster.kubectl(['create', '-f', '-'], labelled('before', { a: '1' }));
    const controller = start(t, built.checksums, proxy.origin);
    const told = { show: () => controller };
    await until('the controller in sync', () => controller.lines.includes('in sync: 1 config maps'), told);
    await cluster.kubectl(['create', '-f', '-'], labelled('after', { a: '2' }));
    const noted = async (name) => {
      const map = JSON.parse(await cluster.kubectl(['get', 'configmap', name, '--output=json']));
      return map.metadata.annotations?.['example.com/checksum-of-data'];
    };
    const before = await until('a checksum', () => noted('before'), told);
    const after = await until('a checksum', () => noted('after'), told);
    assert.match(before, /^[0-9a-f]{16}$/);
    assert.notEqual(before, after);
    await cluster.kubectl(['patch', 'configmap', 'after', '--type=merge', '--patch={"data":{"a":"1"}}']);
    await until('the new checksum', async () => (await noted('after')) === before, told);
  });
}
