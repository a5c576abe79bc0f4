// The test guest under Node, hosted by transport-host/host.mjs: the contract, the scenario, and what is refused.
// `node --experimental-websocket`: Node 20 keeps its WebSocket behind that flag.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { runGuest } from '../../transport-host/host.mjs';
import { buildServers, nobody, serve } from '../browser/building.mjs';
import { buildGuest } from './building.mjs';

let guest;

before(async () => {
  buildServers();
  guest = await buildGuest();
});

/** Runs the guest; returns what it said, what was refused, and how it ended. */
async function play(server, input, options = {}) {
  const [said, warned] = [[], []];
  const ended = await runGuest(guest, {
    server,
    input: JSON.stringify(input),
    say: (line) => said.push(line),
    warn: (line) => warned.push(line),
    ...options,
  }).catch((error) => error);
  return { said, warned, ended };
}

async function start(t, name) {
  const server = await serve(name);
  t.after(() => server.stop());
  return server.address;
}

test('the guest imports nothing', () => {
  assert.deepEqual(WebAssembly.Module.imports(guest), []);
});

test('a guest keeps the contract over fetch and WebSocket', async (t) => {
  const server = await start(t, 'portolan-peer');
  const empty = await nobody();
  // The clause of a refused connection asks another origin than the server's, which a guest may not: its fetch goes there.
  const input = { play: 'contract', nobody: `${server}/nobody`, tellsNoKinds: true };
  const elsewhere = (url, init) => fetch(url.startsWith(`${server}/nobody`) ? empty : url, init);
  const { said, ended } = await play(server, input, { fetch: elsewhere });
  assert.ok(ended.memoryBytes > 0, ended);
  assert.ok(said.length >= 18, `${said.length} clauses`);
  assert.deepEqual(said.filter((line) => !line.startsWith('holds: ')), []);
  t.diagnostic(`${said.length} of ${said.length} clauses hold`);
});

test('a guest plays the scenario on the API server in memory', async (t) => {
  const { said, ended } = await play(await start(t, 'memory-server'), { play: 'scenario' });
  assert.ok(ended.memoryBytes > 0, ended);
  assert.equal(said.length, 11);
  t.diagnostic(`${ended.memoryBytes >> 10} KiB of memory at its end`);
});

test('what the page does not allow is refused and logged', async (t) => {
  const server = await start(t, 'memory-server');
  const allow = ({ method, url }) => method === 'GET' && !url.pathname.endsWith('/secrets');
  const { said, warned } = await play(server, { play: 'forbidden' }, { allow });
  assert.equal(said[0], '0 config maps');
  assert.match(said[1], /forbidden: the host does not allow this guest GET .*\/secrets/);
  assert.deepEqual(warned, [`refused: GET ${server}/api/v1/namespaces/default/secrets`]);
  const none = await play(server, { play: 'forbidden' }, { maxExchanges: 0 });
  assert.match(none.ended.message, /the host allows 0 exchanges at once/);
});

test('a guest that uses more than allowed, traps or does not know what to do is ended', async () => {
  const server = 'http://127.0.0.1:1';
  const small = await play(server, { play: 'memory' }, { maxBytes: 32 << 20 });
  assert.match(small.ended.message, /more than the 33554432 the host allows/);
  assert.deepEqual(small.said, []);
  assert.equal(small.warned.length, 1);
  const trapped = await play(server, { play: 'trap' });
  assert.match(trapped.ended.message, /the guest is broken: unreachable/);
  const lost = await play(server, { play: 'nothing' });
  assert.match(lost.ended.message, /the guest knows no play "nothing"/);
  const stopped = await play(server, { play: 'scenario' }, { signal: AbortSignal.abort(new Error('enough')) });
  assert.equal(stopped.ended.message, 'enough');
});

test('what is no guest is refused', async () => {
  const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  await assert.rejects(runGuest(empty, { server: 'http://127.0.0.1:1' }), /no guest: it exports no memory/);
});
