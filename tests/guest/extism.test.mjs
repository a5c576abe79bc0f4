// The scenario as an Extism plug-in, run by Extism's own SDK for JavaScript: the same lines as every other guest's.
// `node --experimental-websocket`: Node 20 keeps its WebSocket behind that flag.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import createPlugin from '@extism/extism';
import { runGuest, runTurns } from '../../transport-host/host.mjs';
import { buildServers, cargo, serve, target } from '../browser/building.mjs';
import { buildGuest } from './building.mjs';

let guest, wasm;

before(async () => {
  buildServers();
  guest = await buildGuest();
  cargo('build', '--package=test-extism', '--target=wasm32-unknown-unknown', '--profile=wasm');
  wasm = await readFile(join(target(), 'wasm32-unknown-unknown/wasm/test_extism.wasm'));
});

// ANCHOR: host
/** Runs an Extism plug-in to its end. */
async function runPlugin(wasm, options) {
  const plugin = await createPlugin({ wasm: [{ data: wasm }] });
  const { exports } = await plugin.getInstance();
  return runTurns({
    async turn(message) {
      const answer = await plugin.call('turn', message);
      await plugin.reset(); // or Extism keeps what went in and came out of every turn
      return answer.bytes();
    },
    memoryBytes: () => exports.memory.buffer.byteLength,
  }, options);
}
// ANCHOR_END: host

async function start(t) {
  const server = await serve('memory-server');
  t.after(() => server.stop());
  return server.address;
}

test('an Extism plug-in plays the scenario, and tells it as a guest without imports does', async (t) => {
  const [said, told] = [[], []];
  const options = async (lines) => ({ server: await start(t), watchOver: 'socketThenHttp', say: (line) => lines.push(line) });
  const { memoryBytes } = await runPlugin(wasm, await options(said));
  await runGuest(guest, { ...(await options(told)), input: JSON.stringify({ play: 'scenario' }) });
  assert.equal(said.length, 11);
  assert.deepEqual(said, told);
  t.diagnostic(`${memoryBytes >> 10} KiB of memory at its end`);
});

test('what the host does not allow is refused to an Extism plug-in too, and it can be stopped', async (t) => {
  const server = await start(t);
  const warned = [];
  const refused = runPlugin(wasm, { server, say: () => {}, allow: () => false, warn: (line) => warned.push(line) });
  await assert.rejects(refused, /does not allow this guest/);
  assert.match(warned[0], /^refused: /);
  const stopped = runPlugin(wasm, { server, say: () => {}, signal: AbortSignal.abort(new Error('enough')) });
  await assert.rejects(stopped, /enough/);
});
