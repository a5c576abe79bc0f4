// WASI components under wasmtime, a host that compiles: what they do under jco, and how much memory one holds under strain.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { cargo, target } from '../browser/building.mjs';
import { startCluster } from '../browser/cluster.mjs';
import { until } from '../browser/waiting.mjs';
import { components, labelled, start, suite } from '../component/suite.mjs';

const HOST = join(target(), 'wasmtime');
const MAPS = 20;

const own = (command, ...flags) => cargo(command, '--release', '--locked', '--manifest-path=tests/wasmtime/Cargo.toml', `--target-dir=${HOST}`, ...flags);

before(() => own('build'));

// The lints of `cargo xtask test` leave this workspace out: they would want wasmtime built.
test('the host has no lints', () => void own('clippy', '--all-targets', '--', '--deny=warnings'));

const built = components((path) => [join(HOST, 'release/wasmtime-host'), path]);
suite(built, {});

test('what would leave loopback is refused', async (t) => {
  const { lines, ended } = start(t, built.tested, 'scenario', 'http://192.0.2.1'); // an address for documentation
  assert.equal(await ended, 1);
  assert.match(lines.join('\n'), /^failed: .*ErrorCode::HttpRequestDenied$/);
});

test('a controller holds what it held, after ten thousand writes', async (t) => {
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  const proxy = await cluster.proxy(import.meta.dirname);
  t.after(() => proxy.stop());
  const maps = `${proxy.origin}/api/v1/namespaces/default/configmaps`;
  const names = Array.from({ length: MAPS }, (_, index) => `map-${index}`);
  await Promise.all(names.map((name) => send(maps, 'POST', 'application/json', labelled(name, data(0)))));
  const controller = start(t, built.checksums, proxy.origin);
  const memory = () => Number(controller.errors.findLast((line) => line.startsWith('memory: ')).slice('memory: '.length));
  /** Writes the rounds, then waits until the controller is done with the last; the memory it holds then. */
  const strained = async (first, last) => {
    for (let round = first; round <= last; round += 1) {
      const change = { data: data(round) };
      await Promise.all(names.map((name) => send(`${maps}/${name}`, 'PATCH', 'application/merge-patch+json', change)));
    }
    const wanted = checksum(data(last));
    const noted = (map) => map.metadata.annotations?.['example.com/checksum-of-data'] === wanted;
    const done = async () => (await send(`${maps}?labelSelector=example.com/checksum`)).items.filter(noted).length === MAPS;
    await until(`every checksum of round ${last}`, done, { every: 250, show: () => controller });
    return memory();
  };
  const warm = await strained(1, 50);
  const after = await strained(51, 550);
  const told = `${warm / 1024} KiB after 1,000 writes, ${after / 1024} KiB after 10,000 more`;
  t.diagnostic(told);
  assert.ok(after <= warm + (512 << 10), told); // beside what an allocator rounds up: 50 bytes a write would show
});

async function send(address, method = 'GET', type, body) {
  const answer = await fetch(address, { method, headers: type && { 'Content-Type': type }, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${address}: ${answer.status}`);
  return answer.json();
}

/** Four kilobytes that tell the round. */
function data(round) {
  return { filler: 'x'.repeat(4096), round: String(round) };
}

/** As the controller reckons it: FNV-1a over keys and values, in order. */
function checksum(data) {
  const bytes = Buffer.from(Object.entries(data).flat().map((text) => `${text}\0`).join(''));
  const sum = bytes.reduce((sum, byte) => BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n), 0xcbf29ce484222325n);
  return sum.toString(16).padStart(16, '0');
}
