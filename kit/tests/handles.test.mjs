// The packed package's handles in Node, on a canned API server of config maps that is a `fetch` of one's own.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { until } from '../../tests/browser/waiting.mjs';
import { install, pack, run } from './package.mjs';

let portolan, project;
const reported = [];

before(async () => {
  globalThis.reportError = (error) => reported.push(error); // Node has none, and ends by such an error.
  project = install(pack());
  portolan = await import(join(project, 'node_modules/portolan/dist/node.js'));
});

const BODIES = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
  '/api/v1': { kind: 'APIResourceList', groupVersion: 'v1', resources: [{ name: 'configmaps', singularName: 'configmap', namespaced: true, kind: 'ConfigMap', verbs: ['get', 'list', 'watch'] }] },
};

const configMap = (name, resourceVersion) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', uid: name, resourceVersion } });

const BEGINNING = [
  { type: 'ADDED', object: configMap('one', '1') },
  { type: 'BOOKMARK', object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { resourceVersion: '1', annotations: { 'k8s.io/initial-events-end': 'true' } } } },
];

/** A client of a server that refuses, is down, or keeps silent as long as `server` says so; it is closed with the test. */
function connect(t, server = {}) {
  const own = async (request) => {
    if (server.hangs) return new Promise(() => {});
    await server.held;
    server.asked = (server.asked ?? 0) + 1;
    if (server.busy) return new Response('', { status: server.busy, headers: { 'retry-after': '1' } });
    if (server.down) throw new TypeError('nobody answers');
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === server.partly) return new Response('', { status: 503 });
    if (BODIES[pathname]) return Response.json(BODIES[pathname]);
    if (pathname === '/text') return new Response('not JSON');
    if (!searchParams.has('watch')) return new Response('', { status: 404 });
    const lines = server.silent ? [] : BEGINNING;
    const body = new ReadableStream({
      start(controller) {
        for (const line of lines) controller.enqueue(new TextEncoder().encode(`${JSON.stringify(line)}\n`));
      },
    });
    return new Response(body, { headers: { 'content-type': 'application/json' } });
  };
  const client = portolan.connect({ server: 'http://canned', fetch: own, linger: 0 });
  t.after(() => client.close());
  return client;
}

test('a listener that is put on, taken off and put on again in one go is told', async (t) => {
  const informer = connect(t).informer({ gvr: 'v1/configmaps' });
  const heard = [];
  const hear = ({ name }) => heard.push(name);
  informer.on('add', hear).off('add', hear).on('add', hear);
  await until('it is told', () => heard.length > 0);
  assert.deepEqual(heard, ['one']);
});

test('who waits for a handle that is closed is told, and a closed handle refuses', async (t) => {
  const client = connect(t, { silent: true });
  const informer = client.informer({ gvr: 'v1/configmaps' });
  const query = client.liveQuery({ gvr: 'v1/configmaps', columns: {} });
  const waits = [informer.synced(), query.until(({ synced }) => synced)];
  informer.close();
  query.close();
  for (const wait of waits) await assert.rejects(wait, portolan.ClosedError);
  for (const asked of [informer.synced(), informer.list(), informer.get('default/one'), query.until(() => true)]) {
    await assert.rejects(asked, portolan.ClosedError);
  }
  for (const refused of [() => informer.on('add', () => {}), () => informer.events(), () => query.subscribe(() => {}), () => query.set({})]) {
    assert.throws(refused, portolan.ClosedError);
  }
  await until('nothing goes on', async () => (await client.open()).informers === 0);
});

test('a command that is left has no exit code', async (t) => {
  const Silent = class extends EventTarget {
    readyState = 0;
    close() {}
  };
  const client = portolan.connect({ server: 'http://canned', WebSocket: Silent, linger: 0 });
  t.after(() => client.close());
  const start = () => client.exec('web', { command: ['true'], stdin: true });
  const closed = start();
  const collected = closed.collect();
  closed.close();
  await assert.rejects(collected, portolan.ClosedError);
  await assert.rejects(closed.exitCode, portolan.ClosedError);
  assert.throws(() => closed.write('more'), portolan.ClosedError);
  const left = start();
  await left[Symbol.asyncIterator]().return(); // As `break` does.
  await assert.rejects(left.exitCode, portolan.ClosedError);
});

test('a command lives as long as somebody waits for its exit code, and no longer', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const [opened, closed] = [[], []];
  const Silent = class extends EventTarget {
    readyState = 0;
    constructor(url) {
      super();
      this.command = new URL(url).searchParams.get('command');
      opened.push(this.command);
    }
    close() {
      closed.push(this.command);
    }
  };
  const client = portolan.connect({ server: 'http://canned', WebSocket: Silent, linger: 0 });
  t.after(() => client.close());
  const start = (command) => client.exec('web', { command: [command] });
  const waits = (() => start('waited').exitCode)();
  (() => start('dropped'))();
  await until('both are open', () => opened.length === 2);
  await until('the dropped one is closed', () => {
    collect();
    return closed.length > 0;
  });
  assert.deepEqual(closed, ['dropped']);
  client.close();
  await assert.rejects(waits, portolan.ClosedError);
});

test('a subscriber that throws keeps nothing from the others, and a condition that throws ends its wait', async (t) => {
  const query = connect(t).liveQuery({ gvr: 'v1/configmaps', columns: { name: 'metadata.name' } });
  const wrong = new Error('wrong');
  let throws = true;
  query.subscribe(() => {
    if (!throws) return;
    throws = false;
    throw wrong;
  });
  await query.until(({ synced }) => synced);
  assert.deepEqual(reported.splice(0), [wrong]);
  const conditions = [() => { throw wrong; }, ({ matched }) => { if (matched === 0) throw wrong; }];
  await assert.rejects(query.until(conditions[0]), wrong);
  const later = query.until(conditions[1]);
  query.set({ filter: { text: 'nothing like it' } });
  await assert.rejects(later, wrong);
});

test('any numbers are a window', async (t) => {
  const query = connect(t).liveQuery({ gvr: 'v1/configmaps', columns: { name: 'metadata.name' }, window: { start: NaN, end: Infinity } });
  assert.equal((await query.until(({ synced }) => synced)).rows.length, 1);
  for (const [start, end, rows] of [[0, 2 ** 40, 1], [-Infinity, NaN, 0], [0.5, 0.5, 1], [2 ** 32, 2 ** 33, 0], [0, 1e300, 1]]) {
    query.set({ window: { start, end } });
    await query.until((snapshot) => snapshot.rows.length === rows);
  }
});

test('a signal that outlives what it was given to keeps nothing of it', async (t) => {
  const client = connect(t);
  const { signal } = new AbortController();
  const informer = client.informer({ gvr: 'v1/configmaps' });
  const query = client.liveQuery({ gvr: 'v1/configmaps', columns: {} });
  const hear = () => {};
  informer.on('add', hear, { signal }).off('add', hear);
  informer.on('update', hear, { signal });
  query.subscribe(hear, { signal })();
  query.subscribe(hear, { signal });
  await informer.synced({ signal });
  await query.until(({ synced }) => synced, { signal });
  for await (const event of informer.events({ signal })) if (event.type === 'synced') break;
  assert.equal(getEventListeners(signal, 'abort').length, 2);
  informer.close();
  query.close();
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('what is opened before the server is up comes alive with it, and what is wrong itself fails at once', async (t) => {
  const server = { down: true };
  const client = connect(t, server);
  const informer = client.informer({ gvr: 'v1/configmaps' });
  const query = client.liveQuery({ gvr: 'v1/configmaps', columns: { name: 'metadata.name' } });
  const error = await new Promise((resolve) => informer.on('error', resolve));
  assert.ok(error instanceof portolan.ConnectionError, error.stack);
  assert.deepEqual([informer.status.phase, informer.status.synced], ['retrying', false]);
  const waits = await query.until(({ status }) => status.phase === 'retrying');
  assert.ok(waits.status.error instanceof portolan.ConnectionError && waits.error === undefined);
  await assert.rejects(client.informer({ gvr: 'v1/configmaps', labelSelector: 'a=b=c' }).synced(), portolan.ConfigError);
  server.down = false;
  await informer.synced();
  assert.deepEqual((await query.until(({ synced }) => synced)).rows.map(({ key }) => key), ['default/one']);
  await until('both are live', () => [informer, query.snapshot].every(({ status }) => status.phase === 'live' && !status.error));
  await assert.rejects(client.informer({ gvr: 'gizmos' }).synced(), portolan.NoMatchError);
});

/** An informer and a query on config maps, what they tell first in this phase, and whether they come alive. */
function waitingFor(client, phase, server) {
  const informer = client.informer({ gvr: 'v1/configmaps' });
  const query = client.liveQuery({ gvr: 'v1/configmaps', columns: { name: 'metadata.name' } });
  const first = new Promise((resolve) => informer.on('error', (error) => resolve({ error, asked: server.asked })));
  const trouble = async () => {
    const { error, asked } = await first;
    const { status, error: none } = await query.until(({ status }) => status.phase === phase && status.error);
    await until('the informer is in the phase', () => informer.status.phase === phase);
    assert.deepEqual([none, status.error.name, informer.status.error.name, informer.status.synced], [undefined, error.name, error.name, false]);
    return { error, asked };
  };
  const live = async () => {
    await informer.synced();
    assert.deepEqual((await query.until(({ synced }) => synced)).rows.map(({ key }) => key), ['default/one']);
    await until('both are live', () => [informer, query.snapshot].every(({ status }) => status.phase === 'live' && !status.error));
  };
  return { trouble, live };
}

for (const [busy, name] of [[429, 'TooManyRequestsError'], [503, 'ServiceUnavailableError']]) {
  test(`a server that answers discovery with ${busy} is told of at once, and asked again`, async (t) => {
    const server = { busy };
    const { trouble, live } = waitingFor(connect(t, server), 'retrying', server);
    const { error, asked } = await trouble();
    assert.deepEqual([error.name, error.code, error.retryAfter], [name, busy, 1]);
    assert.ok(asked < 10, `told before ${asked} requests were refused`);
    delete server.busy;
    await live();
  });
}

test('a server that keeps silent is told of while it is waited for', async (t) => {
  let release;
  const server = { held: new Promise((resolve) => (release = resolve)) };
  const { trouble, live } = waitingFor(connect(t, server), 'connecting', server);
  const { error } = await trouble();
  assert.ok(error instanceof portolan.TimeLimitError, error.stack);
  assert.match(error.message, /within 5 s/);
  release();
  await live();
});

test('what a group version that is not answered would have said is not known, and asked again', async (t) => {
  const server = { partly: '/api/v1' };
  const client = connect(t, server);
  const { trouble, live } = waitingFor(client, 'retrying', server);
  for (const error of [(await trouble()).error, await client.get('configmaps', 'one').catch((error) => error)]) {
    assert.equal(error.name, 'ServiceUnavailableError', error.stack);
    assert.match(error.message, /configmaps.* is not known: v1: /);
  }
  await assert.rejects(client.get('apps/v1/deployments', 'web'), portolan.NoMatchError);
  delete server.partly;
  await live();
});

test('a wrong `set` is told and counts as never set, and the next goes on', async (t) => {
  const query = connect(t).liveQuery({ gvr: 'v1/configmaps', columns: { name: 'metadata.name' } });
  const wrong = [{ filter: { labels: 'app in (' } }, { filter: { where: [{ path: 'metadata..' }] } }, { sort: [{ by: 'a[' }] }, { group: 'a..b' }, { filter: { txt: '' } }];
  query.set(wrong[0]); // Before there is an engine, too.
  await assert.rejects(query.until(() => false), portolan.ConfigError);
  await until('its rows are there all the same', () => query.snapshot.rows.length === 1);
  const [row] = query.snapshot.rows;
  for (const [index, change] of wrong.entries()) {
    query.set(change);
    const error = await query.until(() => false).catch((error) => error);
    assert.ok(error instanceof portolan.ConfigError, error.stack);
    assert.doesNotMatch(error.message, / at line /);
    assert.deepEqual([query.snapshot.status.phase, query.snapshot.rows[0] === row], ['live', true]);
    query.set({ group: index % 2 ? 'metadata.name' : 'metadata.uid', filter: { text: `on${'e'.repeat(index % 2)}` } });
    const { rows, error: none } = await query.until(({ groups }) => groups.one === 1);
    assert.deepEqual([rows[0] === row, none], [true, undefined], 'a row that has not changed is the same object');
    query.set({ group: undefined });
    await query.until(({ groups }) => groups.one === undefined);
  }
  query.set(wrong[0]);
  query.set({ sort: [{ by: 'name' }] });
  await assert.rejects(query.until(() => false), portolan.ConfigError);
  query.set({ window: { start: 0, end: 0 }, group: 'metadata.name' });
  await query.until(({ rows, groups }) => rows.length === 0 && groups.one === 1);
});

test('a time limit bounds the whole call, discovery and tries anew included', async (t) => {
  for (const server of [{ hangs: true }, { busy: 429 }]) {
    const client = connect(t, server);
    await assert.rejects(client.get('v1/configmaps', 'one', { timeout: 100 }), portolan.TimeLimitError);
    await assert.rejects(client.request({ path: '/text', timeout: 100 }), portolan.TimeLimitError);
    client.close();
  }
  await assert.rejects(connect(t).list('v1/configmaps', { timeout: -5 }), { name: 'ConfigError', message: /timeout/ });
});

test('what cannot be is refused in words of the API', async (t) => {
  const client = connect(t);
  const informer = client.informer({ gvr: 'v1/configmaps' });
  assert.throws(() => informer.on('bogus', () => {}), { name: 'TypeError', message: /add, update, delete, synced, error, status/ });
  assert.throws(() => informer.on('add', null), TypeError);
  assert.throws(() => client.liveQuery({ gvr: 'v1/configmaps' }), { name: 'ConfigError', message: /columns/ });
  assert.throws(() => portolan.connect({ server: 'http://canned', linger: -1 }), { name: 'ConfigError', message: /linger/ });
  assert.throws(() => client.informer({}), { name: 'ConfigError', message: /gvr/ });
  assert.throws(() => client.informer({ gvr: 'cm', labelSelector: 5 }), { name: 'ConfigError', message: /labelSelector/ });
  for (const asked of [client.create(null), client.apply(null), client.get('cm', null), client.get(undefined, 'one')]) await assert.rejects(asked, portolan.ConfigError);
  await assert.rejects(client.request({ path: '/text' }), portolan.DecodeError);
  await informer.synced();
  await assert.rejects(informer.synced({ signal: AbortSignal.abort('enough') }), (reason) => reason === 'enough');
  const outside = client.informer({ gvr: 'v1/configmaps', namespace: '../..' });
  await assert.rejects(outside.synced(), portolan.ConfigError);
  assert.equal(outside.status.phase, 'ended');
  await assert.rejects(outside.list(), portolan.ConfigError);
});

test('options that are no object, such as null, are refused in words of the API', async (t) => {
  const client = connect(t);
  const informer = client.informer({ gvr: 'v1/configmaps' });
  const query = client.liveQuery({ gvr: 'v1/configmaps', columns: {} });
  const object = configMap('one', '1');
  const told = { name: 'ConfigError', message: /^the options are an object such as \{ .* \}, not null$/ };
  const hear = () => {};
  for (const call of [
    () => portolan.connect(null), () => client.informer(null), () => client.liveQuery(null), () => client.logs('web', null), () => client.exec('web', null),
    () => informer.on('add', hear, null), () => informer.events(null), () => query.subscribe(hear, null), () => query.set(null),
  ]) assert.throws(call, told);
  for (const ask of [
    () => client.get('cm', 'one', null), () => client.list('cm', null), () => client.create(object, null), () => client.update(object, null),
    () => client.patch('cm', 'one', {}, null), () => client.apply(object, null), () => client.delete('cm', 'one', null), () => client.request(null),
    () => client.discovery(null), () => client.resource('cm', null), () => informer.synced(null), () => informer.list(null),
    () => informer.get('default/one', null), () => informer.byIndex('kind', 'x', null), () => query.until(() => true, null),
  ]) await assert.rejects(ask, told);
  assert.throws(() => portolan.connect('http://canned'), { name: 'ConfigError', message: /not a value of type string$/ });
  assert.throws(() => client.informer('v1/pods'), { name: 'ConfigError', message: /\{ gvr: 'v1\/pods' \}/ });
});

test('the types need no more of a compiler than ES2022 and the DOM', () => {
  const code = "import { connect } from 'portolan';\nexport const names = async () => (await connect().list('pods')).items.map(({ metadata }) => metadata?.name);\n";
  writeFileSync(join(project, 'types.mts'), code);
  const tsc = join(import.meta.dirname, '../npm/node_modules/typescript/bin/tsc');
  run(process.execPath, [tsc, '--noEmit', '--strict', '--skipLibCheck', 'false', '--lib', 'ES2022,DOM', '--module', 'NodeNext', 'types.mts'], project);
});
