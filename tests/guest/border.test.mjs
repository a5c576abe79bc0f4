// What transport-host/host.mjs refuses of a guest that breaks the rules: a module of a few bytes, which wants the same in
// every turn, its first command's exchange under a new number.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runGuest } from '../../transport-host/host.mjs';
import { Writer } from '../../transport-host/wire.mjs';

const SERVER = 'http://server';

/** Where the module has its answer: the length, when it wants its next turn, the first command's tag and number. */
const ANSWER = 0;
const NUMBER = ANSWER + 4 + 8 + 1;

/** A module whose answer in every turn is `commands`, after which it waits. */
function guest(commands) {
  const body = new Writer().u64(0xffffffffffffffffn);
  const answer = [...new Writer().bytes([...body.finish(), ...commands]).finish()];
  const name = (text) => [text.length, ...new TextEncoder().encode(text)];
  const section = (id, ...content) => [id, ...leb(content.length), ...content];
  const returns = (...code) => [code.length + 2, 0, ...code, 0x0b];
  const at = [0x41, NUMBER];
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 2, 0x60, 0, 1, 0x7f, 0x60, 1, 0x7f, 1, 0x7f),
    ...section(3, 3, 0, 1, 0),
    ...section(5, 1, 0, 4),
    ...section(7, 4, ...name('memory'), 2, 0, ...name('portolan_version'), 0, 0, ...name('portolan_input'), 0, 1, ...name('portolan_turn'), 0, 2),
    // The version is 1, input goes to the last page, and a turn adds 1 to the number.
    ...section(10, 3, ...returns(0x41, 1), ...returns(0x41, 0x80, 0x80, 0x0c), ...returns(...at, ...at, 0x28, 0, 0, 0x41, 1, 0x6a, 0x36, 0, 0, 0x41, ANSWER)),
    ...section(11, 1, 0, 0x41, ANSWER, 0x0b, ...leb(answer.length), ...answer),
  ]);
}

/** An unsigned number as wasm writes it. */
function leb(number) {
  return number < 128 ? [number] : [(number & 127) | 128, ...leb(number >>> 7)];
}

const PIECES = 2;

function send(id, { headers = [], body = 0 } = {}) {
  const writer = new Writer().u8(0).u32(id).text('POST').text(`${SERVER}/path`).u32(headers.length);
  headers.forEach(([name, value]) => writer.text(name).text(value));
  return [...writer.u8(body).finish()];
}

function connect(id, protocols = []) {
  const writer = new Writer().u8(1).u32(id).text(`${SERVER}/path`).u32(0).u32(protocols.length);
  protocols.forEach((protocol) => writer.text(protocol));
  return [...writer.finish()];
}

const take = (id) => [...new Writer().u8(2).u32(id).finish()];
const give = (id) => [...new Writer().u8(3).u32(id).u8(0).bytes([1]).finish()];
const finish = (id) => [...new Writer().u8(4).u32(id).finish()];
const drop = (id) => [...new Writer().u8(5).u32(id).finish()];
const done = [7, 0];

/** A fetch and a WebSocket of which nothing ever comes. */
class Silent {
  static sent = 0;
  constructor() {
    Silent.sent += 1;
  }
  close() {}
}

async function play(commands, options = {}) {
  Silent.sent = 0;
  const warned = [];
  const fetch = () => new Promise(() => new Silent());
  const given = { server: SERVER, fetch, WebSocket: Silent, say: () => {}, warn: (line) => warned.push(line), ...options };
  const ended = await runGuest(guest(commands), given).catch((error) => error);
  return { ended, warned, sent: Silent.sent };
}

test('what breaks the rules of an exchange ends the guest', async () => {
  for (const [commands, told] of [
    [[...send(0), ...send(1)], /not greater/],
    [[...send(0), ...drop(1), ...connect(1)], /not greater/],
    [[...send(0), ...take(1)], /before the answer/],
    [[...send(0), ...give(1)], /that takes none/],
    [[...send(0), ...finish(1)], /that was whole/],
    [[...send(0, { body: PIECES }), ...finish(1), ...finish(1)], /that was whole/],
    [[...send(0, { body: PIECES }), ...finish(1), ...give(1)], /that takes none/],
    [[...connect(0), ...take(1)], /before the socket is open/],
    [[...connect(0), ...give(1)], /before the socket/],
    [[...connect(0), ...finish(1)], /before the socket/],
    [Array(10_001).fill(drop(9)).flat(), /too much at once/],
  ]) {
    const { ended } = await play(commands);
    assert.match(ended.message, /the guest is broken/);
    assert.match(ended.message, told);
  }
  const { ended, sent } = await play([...send(0, { body: PIECES }), ...give(1), ...finish(1), ...take(9), ...done]);
  assert.ok(ended.memoryBytes > 0 && sent === 1, ended);
});

test('who the guest is, is not its own to say', async () => {
  for (const commands of [
    send(0, { headers: [['Authorization', 'Bearer x']] }),
    send(0, { headers: [['impersonate-user', 'x']] }),
    send(0, { headers: [['host', 'elsewhere']] }),
    connect(0, ['base64url.bearer.authorization.k8s.io.eA', 'v5.channel.k8s.io']),
  ]) {
    const { warned, sent } = await play([...commands, ...done]);
    assert.equal(warned.length, 1);
    assert.equal(sent, 0);
  }
});

test('headers and subprotocols are shown to whoever allows', async () => {
  const asked = [];
  const allow = (request) => asked.push(request) > 0;
  const headers = [['accept', 'text/plain']];
  await play([...send(0, { headers }), ...connect(5, ['v5.channel.k8s.io']), ...done], { allow });
  assert.deepEqual(asked[0].headers, headers);
  assert.deepEqual([asked[0].socket, asked[1].socket], [false, true]);
  assert.deepEqual(asked[1].protocols, ['v5.channel.k8s.io']);
});

test('a guest whose wishes are answered at once can be stopped', { timeout: 60_000 }, async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error('enough')));
  const { ended, warned } = await play(send(0), { allow: () => false, signal: stop.signal });
  assert.equal(ended.message, 'enough');
  assert.ok(warned.length > 0);
});
