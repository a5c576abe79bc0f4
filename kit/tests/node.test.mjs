// The packed package in Node, on a real API server through `kubectl proxy`.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { between } from '../../tests/browser/between.mjs';
import { startCluster } from '../../tests/browser/cluster.mjs';
import { until } from '../../tests/browser/waiting.mjs';
import { install, pack } from './package.mjs';

let cluster, proxy, project, portolan, bare;

before(async () => {
  const tarball = pack();
  project = install(tarball, ['ws']);
  const without = install(tarball);
  portolan = await import(join(project, 'node_modules/portolan/dist/node.js'));
  bare = await import(join(without, 'node_modules/portolan/dist/node.js'));
  cluster = await startCluster('--kubelet');
  proxy = await cluster.proxy(project, { flags: ['--reject-paths=^$'] });
});

after(async () => {
  await proxy?.stop();
  await cluster?.stop();
});

/** A client that is closed with the test. */
function connect(t, options = {}) {
  const client = portolan.connect({ server: proxy.origin, linger: 0, ...options });
  t.after(() => client.close());
  return client;
}

const configMap = (name, data = {}, labels = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data });

/** Collects what an informer tells. */
function record(informer) {
  const told = [];
  for (const name of ['add', 'update', 'delete']) informer.on(name, (entry) => told.push(`${name} ${entry.name}`));
  informer.on('synced', () => told.push('synced'));
  return told;
}

test('objects are created, read, listed, changed, applied and deleted', async (t) => {
  const client = connect(t);
  assert.equal(await client.mode(), 'page');
  const made = await client.create(configMap('crud', { a: '1' }, { set: 'crud' }));
  assert.equal(made.metadata.namespace, 'default');
  assert.equal((await client.get('configmaps', 'crud')).data.a, '1');
  assert.equal((await client.get({ version: 'v1', resource: 'configmaps' }, 'crud')).data.a, '1');
  assert.equal((await client.get('cm', 'crud')).kind, 'ConfigMap');
  const list = await client.list('v1/configmaps', { namespace: 'default', labelSelector: 'set=crud' });
  assert.deepEqual(list.items.map(({ metadata }) => metadata.name), ['crud']);
  assert.equal((await client.patch('cm', 'crud', { data: { b: '2' } })).data.b, '2');
  const steps = [{ op: 'replace', path: '/data/b', value: '3' }];
  assert.equal((await client.patch('cm', 'crud', steps, { type: 'json' })).data.b, '3');
  const applied = await client.apply(configMap('crud', { c: '4' }), { fieldManager: 'tests' });
  assert.deepEqual(applied.data, { a: '1', b: '3', c: '4' });
  const dry = await client.patch('cm', 'crud', { data: { a: null } }, { dryRun: true });
  assert.equal(dry.data.a, undefined);
  assert.equal((await client.update({ ...applied, data: { only: 'this' } })).data.a, undefined);
  assert.equal((await client.get('namespaces', 'default')).kind, 'Namespace');
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } } };
  await client.create(deployment);
  const scaled = await client.patch('deploy', 'web', { spec: { replicas: 3 } }, { subresource: 'scale' });
  assert.equal(scaled.spec.replicas, 3);
  await client.delete('deployments.apps', 'web', { propagationPolicy: 'Background' });
  await client.delete('configmaps', 'crud');
  await assert.rejects(client.get('configmaps', 'crud'), portolan.NotFoundError);
});

test('the example of the README runs as it is written', async () => {
  const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');
  const [, code] = /```js\n([^]*?)```/.exec(readme);
  await writeFile(join(project, 'example.mjs'), code);
  const child = spawn(process.execPath, ['example.mjs'], { cwd: project, env: { ...process.env, SERVER: proxy.origin }, stdio: ['ignore', 'pipe', 'inherit'] });
  const printed = (await child.stdout.toArray()).join('');
  assert.deepEqual(printed.trim().split('\n'), ['hello', '1', 'default/greeting says good day', "[ 'greeting' ]", 'true']);
});

test('a program ends with its client, whatever lingers', async () => {
  const code = `import { connect } from 'portolan';
    const client = connect({ server: process.env.SERVER, linger: 600_000 });
    const informer = client.informer({ gvr: 'v1/configmaps' });
    await informer.synced();
    informer.close();
    await client.informer({ gvr: 'v1/services' }).synced();
    client.close();`;
  await writeFile(join(project, 'ends.mjs'), code);
  const ended = await promisify(execFile)(process.execPath, ['ends.mjs'], { cwd: project, env: { ...process.env, SERVER: proxy.origin }, timeout: 60_000 });
  assert.equal(ended.stderr, '');
});

test('what the server serves is found as kubectl finds it', async (t) => {
  const client = connect(t);
  assert.deepEqual(await client.resource('deploy'), { group: 'apps', version: 'v1', resource: 'deployments', kind: 'Deployment', namespaced: true });
  assert.equal((await client.resource('Node')).namespaced, false);
  await assert.rejects(client.resource('gizmos'), portolan.NoMatchError);
  const { resources, failures } = await client.discovery();
  assert.deepEqual(failures, []);
  const pods = resources.find(({ resource }) => resource === 'pods');
  assert.ok(pods.preferred && pods.shortNames.includes('po') && pods.subresources.includes('log') && pods.verbs.includes('watch'));
  assert.match((await client.request({ path: '/version' })).gitVersion, /^v1/);
  assert.equal(await client.request({ path: '/readyz', accept: 'text/plain' }), 'ok');
});

test('a refusal is of the class of its reason', async (t) => {
  const client = connect(t);
  const viewer = await cluster.proxy('.', { as: cluster.facts.viewer_token });
  t.after(() => viewer.stop());
  const gateway = await between(Number(new URL(cluster.facts.server).port), { secure: true });
  t.after(() => gateway.stop());
  await client.create(configMap('taken', { a: '1' }));
  const old = await client.get('cm', 'taken');
  await client.patch('cm', 'taken', { data: { a: '2' } });
  const refused = async (promise, type, extra = {}) => {
    const error = await promise.then(() => assert.fail(`no ${type}`), (error) => error);
    assert.equal(error.name, type, error.stack);
    assert.ok(error instanceof portolan[type] && error instanceof portolan.PortolanError);
    for (const [name, value] of Object.entries(extra)) assert.equal(error[name], value);
    return error;
  };
  await refused(client.get('cm', 'none'), 'NotFoundError', { code: 404, reason: 'NotFound' });
  await refused(client.create(configMap('taken')), 'AlreadyExistsError', { code: 409 });
  await refused(client.update(old), 'ConflictError', { code: 409 });
  await refused(client.apply(configMap('taken', { a: 'mine' }), { fieldManager: 'another' }), 'ConflictError');
  const invalid = await refused(client.create(configMap('Not A Name')), 'InvalidError', { code: 422 });
  assert.equal(invalid.status.details.causes[0].field, 'metadata.name');
  await refused(client.list('cm', { labelSelector: 'a=b=c' }), 'BadRequestError');
  await refused(client.list('cm', { resourceVersion: '1', continue: 'nonsense' }), 'BadRequestError');
  await refused(connect(t, { server: viewer.origin }).list('secrets'), 'ForbiddenError', { code: 403 });
  const expired = connect(t, { server: gateway.address, token: 'expired' });
  const error = await refused(expired.request({ path: '/api/v1/namespaces' }), 'UnauthorizedError', { code: 401 });
  assert.ok(!error.message.includes('expired'), 'no token is shown');
  const token = connect(t, { server: gateway.address, token: cluster.facts.token });
  assert.ok((await token.list('namespaces')).items.length > 3);
  await client.delete('cm', 'taken');
});

test('wrong addresses, names and options are told before anything is sent', async (t) => {
  const client = connect(t);
  assert.throws(() => portolan.connect(), /name the API server/);
  for (const server of ['not an address', 'ftp://127.0.0.1', 'http://user:hunter2@127.0.0.1']) {
    assert.throws(() => portolan.connect({ server }), (error) => error instanceof portolan.ConfigError && !error.message.includes('hunter2'));
  }
  for (const name of ['..', 'a/b', '.', '%2e']) await assert.rejects(client.get('cm', name), portolan.ConfigError, name);
  for (const name of ['ä ö', '<script>alert(1)</script>'.replaceAll('/', ''), "a'b\"c", '\u202e']) {
    await assert.rejects(client.get('cm', name), portolan.PortolanError, name);
  }
  await assert.rejects(client.get('cm', ''), portolan.ConfigError);
  await assert.rejects(client.create({ metadata: { name: 'x' } }), portolan.ConfigError);
  const errors = await new Promise((resolve) => client.informer({ gvr: 'cm', labelSelector: 'a=b=c' }).on('error', resolve));
  assert.ok(errors instanceof portolan.ConfigError, errors.message);
  const query = client.liveQuery({ gvr: 'cm', columns: { wrong: 'metadata..name' } });
  await assert.rejects(query.until(() => false), portolan.ConfigError);
  const unknown = client.informer({ gvr: 'gizmos' });
  await assert.rejects(unknown.synced(), portolan.NoMatchError);
});

test('a dead proxy is told, and found again when it lives', async (t) => {
  const own = await cluster.proxy('.');
  const client = connect(t, { server: own.origin });
  const informer = client.informer({ gvr: 'namespaces' });
  const errors = [];
  informer.on('error', (error) => errors.push(error));
  await informer.synced();
  await own.stop();
  await assert.rejects(client.get('namespaces', 'default'), { name: 'ConnectionError', message: /ECONNREFUSED/ });
  await until('the informer tells', () => errors.length > 0);
  assert.ok(errors[0] instanceof portolan.ConnectionError, errors[0]?.stack);
  assert.equal((await informer.list()).length > 3, true, 'what it has is kept');
  assert.ok(['stale', 'retrying'].includes(informer.status.phase), informer.status.phase);
  const again = await cluster.proxy('.', { port: own.port });
  t.after(() => again.stop());
  await until('live again', () => informer.status.phase === 'live');
  await assert.rejects(connect(t, { server: 'http://127.0.0.1:1' }).list('pods'), portolan.ConnectionError);
});

test('an informer tells what is there, then what happens, to each listener and each loop', async (t) => {
  for (const [name, module] of [['over WebSocket, with ws', portolan], ['over fetch, without', bare]]) await t.test(name, async (t) => {
    const client = module.connect({ server: proxy.origin, linger: 0 });
    t.after(() => client.close());
    await client.create(configMap('first', {}, { set: 'watched' }));
    const place = { gvr: 'v1/configmaps', namespace: 'default', labelSelector: 'set=watched' };
    const informer = client.informer(place);
    const told = record(informer);
    await informer.synced();
    assert.equal(informer.status.watching, name.includes('WebSocket') ? 'socket' : 'http');
    await client.create(configMap('second', { node: 'a' }, { set: 'watched' }));
    await client.patch('cm', 'second', { data: { node: 'b' } });
    await client.delete('cm', 'first');
    await until('four events', () => told.length >= 5);
    assert.deepEqual(told, ['add first', 'synced', 'add second', 'update second', 'delete first']);
    const late = record(informer);
    await until('a late listener', () => late.includes('synced'));
    assert.deepEqual(late, ['add second', 'synced']);
    assert.equal((await informer.get('default/second')).data.node, 'b');
    assert.equal(await informer.get('default/first'), undefined);
    assert.equal((await informer.list()).length, 1);
    assert.equal((await informer.list({ labels: 'set!=watched' })).length, 0);
    assert.equal((await informer.byIndex('data.node', 'b')).length, 1);
    assert.equal((await informer.byIndex('data.node', 'a')).length, 0);
    await client.patch('cm', 'second', { data: { node: 'a' } });
    await until('the index follows', async () => (await informer.byIndex('data.node', 'a')).length === 1);
    const seen = [];
    for await (const event of informer) {
      seen.push(event.type);
      if (event.type === 'synced') break;
    }
    assert.deepEqual(seen, ['add', 'synced']);
    const twin = client.informer(place);
    await twin.synced();
    assert.equal((await client.open()).informers, 1, 'who asks alike shares one informer');
    await client.delete('cm', 'second');
    informer.close();
    twin.close();
    await until('no informer', async () => (await client.open()).informers === 0);
  });
});

test('a live query is filtered, sorted, grouped and windowed, and follows', async (t) => {
  const client = connect(t);
  for (let index = 0; index < 12; index += 1) {
    await client.create(configMap(`row-${String(index).padStart(2, '0')}`, { even: String(index % 2 === 0), size: String(index) }, { set: 'query' }));
  }
  const query = client.liveQuery({
    gvr: 'configmaps',
    labelSelector: 'set=query',
    columns: { name: 'metadata.name', even: 'data.even', keys: { path: 'data[*]', take: 'count' } },
    sort: [{ by: 'name', descending: true }],
    group: 'data.even',
    window: { start: 0, end: 3 },
  });
  const names = () => query.snapshot.rows.map(({ cells }) => cells.name);
  const first = await query.until(({ synced }) => synced);
  assert.deepEqual(names(), ['row-11', 'row-10', 'row-09']);
  assert.deepEqual([first.matched, first.total, first.groups, first.rows[0].cells.keys], [12, 12, { true: 6, false: 6 }, 2]);
  await client.patch('cm', 'row-10', { data: { more: 'x' } });
  const second = await query.until(({ rows }) => rows[1].cells.keys === 3);
  assert.equal(second.rows[0], first.rows[0], 'what has not changed is the same row');
  query.set({ window: { start: 10, end: 99 } });
  await query.until(({ start }) => start === 10);
  assert.deepEqual(names(), ['row-01', 'row-00']);
  query.set({ filter: { where: [{ path: 'data.even', in: ['true'] }] }, sort: [{ by: 'name' }], window: { start: 0, end: 2 } });
  await query.until(({ matched, rows }) => matched === 6 && rows.length === 2);
  assert.deepEqual(names(), ['row-00', 'row-02']);
  query.set({ filter: {}, columns: { even: 'data.even', size: 'data.size' }, sort: [{ by: 'even', descending: true }, { by: 'size' }], window: { start: 4, end: 8 } });
  const grouped = await query.until(({ matched, start }) => matched === 12 && start === 4);
  assert.deepEqual(grouped.rows.map(({ cells }) => cells.even), ['true', 'true', 'false', 'false'], 'group by group');
  assert.deepEqual(grouped.groups, { true: 6, false: 6 });
  query.set({ columns: { name: 'metadata.name' }, sort: [{ by: 'name' }], window: { start: 0, end: 2 } });
  query.set({ filter: { text: 'ROW-1' } });
  await query.until(({ matched }) => matched === 2);
  query.set({ columns: { other: 'data.size' } });
  assert.deepEqual((await query.until(({ rows }) => 'other' in (rows[0]?.cells ?? {}))).rows[0].cells, { other: '10' });
  for (let index = 0; index < 12; index += 1) await client.delete('cm', `row-${String(index).padStart(2, '0')}`);
  await query.until(({ matched, total }) => matched === 0 && total === 0);
});

test('who may not look is told so, and the rest is shown', async (t) => {
  const viewer = await cluster.proxy('.', { as: cluster.facts.viewer_token });
  t.after(() => viewer.stop());
  await cluster.kubectl(['create', 'clusterrole', 'pods-only', '--verb=get,list,watch', '--resource=pods']);
  await cluster.kubectl(['create', 'clusterrolebinding', 'pods-only', '--clusterrole=pods-only', '--user=portolan-viewer']);
  const client = connect(t, { server: viewer.origin });
  const secrets = client.liveQuery({ gvr: 'secrets', columns: { name: 'metadata.name' } });
  const pods = client.liveQuery({ gvr: 'pods', columns: { name: 'metadata.name' } });
  const refused = await secrets.until(({ status }) => status.error !== undefined);
  assert.ok(refused.status.error instanceof portolan.ForbiddenError, refused.status.error.stack);
  await pods.until(({ synced }) => synced);
  const error = await new Promise((resolve) => client.informer({ gvr: 'secrets' }).on('error', resolve));
  assert.ok(error instanceof portolan.ForbiddenError);
});

/** Has the server serve a kind of custom resources without a schema. */
async function serve(client, kind) {
  const plural = `${kind.toLowerCase()}s`;
  await client.create({
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.kit.example.com` },
    spec: {
      group: 'kit.example.com', scope: 'Namespaced', names: { kind, plural, singular: kind.toLowerCase() },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } }],
    },
  });
  await until('the kind is served', () => client.request({ path: `/apis/kit.example.com/v1/${plural}` }).then(() => true, () => false));
}

test('an object of a megabyte and a half, all that etcd takes, comes whole', async (t) => {
  const client = connect(t);
  await serve(client, 'Bulk');
  const text = 'ü'.repeat(100_000) + 'x'.repeat(1_300_000);
  const big = { apiVersion: 'kit.example.com/v1', kind: 'Bulk', metadata: { name: 'big' }, spec: { text } };
  assert.ok(JSON.stringify(big).length + 100_000 >= 1_500_000, 'so many bytes');
  await client.create(big);
  const informer = client.informer({ gvr: 'bulks' });
  assert.equal((await informer.get('default/big')).spec.text, text);
  const query = client.liveQuery({ gvr: 'bulks', columns: { name: 'metadata.name' } });
  assert.equal((await query.until(({ synced }) => synced)).rows[0].cells.name, 'big');
  await client.delete('bulks', 'big');
  await query.until(({ total }) => total === 0);
  await client.delete('crd', 'bulks.kit.example.com');
  await assert.rejects(client.create(configMap('bigger', { text: 'x'.repeat(4_000_000) })), portolan.RequestEntityTooLargeError);
});

test('a kind that goes while it is watched is told, and watched again when it comes back', async (t) => {
  const client = connect(t);
  await serve(client, 'Gadget');
  const informer = client.informer({ gvr: 'gadgets' });
  const errors = [];
  informer.on('error', (error) => errors.push(error.name));
  const told = record(informer);
  await informer.synced();
  await client.create({ apiVersion: 'kit.example.com/v1', kind: 'Gadget', metadata: { name: 'one' } });
  await until('it is there', () => told.includes('add one'));
  await client.delete('crd', 'gadgets.kit.example.com');
  await until('it is gone', () => told.includes('delete one') || errors.includes('NotFoundError'));
  await until('the kind is gone', () => errors.includes('NotFoundError'));
  await serve(client, 'Gadget');
  await client.create({ apiVersion: 'kit.example.com/v1', kind: 'Gadget', metadata: { name: 'two' } });
  await until('it is watched again', () => told.includes('add two'));
  await client.delete('crd', 'gadgets.kit.example.com');
});

test('logs and commands of a pod', async (t) => {
  const client = connect(t);
  const container = { name: 'main', image: 'none', command: ['sh', '-c', 'echo one; echo two; exec sleep 1000'] };
  await client.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: { nodeName: 'node-1', containers: [container] } });
  await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/web', '--timeout=120s']);
  const lines = [];
  for await (const line of client.logs('web', { follow: true, namespace: undefined })) {
    lines.push(line);
    if (lines.length === 2) break;
  }
  assert.deepEqual(lines, ['one', 'two']);
  await until('the log is closed', async () => (await client.open()).fetches === 0);
  const feed = client.exec('web', { command: ['sh', '-c', 'cat; echo bad >&2; exit 3'], stdin: true, namespace: undefined });
  feed.write('fed\n');
  feed.end();
  assert.deepEqual(await feed.collect(), { stdout: 'fed\n', stderr: 'bad\n', exitCode: 3 });
  const much = 'y'.repeat(1_000_000);
  const cat = client.exec('web', { command: ['cat'], stdin: true });
  cat.write(much);
  cat.end();
  assert.equal((await cat.collect()).stdout, much);
  const terminal = client.exec('web', { command: ['sh', '-c', "until stty size | grep -v '^0 0'; do sleep 0.1; done"], tty: true });
  terminal.resize(132, 43);
  assert.equal((await terminal.collect()).stdout.trim(), '43 132');
  await assert.rejects(client.exec('none', { command: ['true'] }).exitCode, portolan.NotFoundError);
  await assert.rejects(client.logs('none').next(), portolan.NotFoundError);
  const stop = new AbortController();
  const endless = client.exec('web', { command: ['sleep', '1000'], signal: stop.signal });
  setTimeout(() => stop.abort(new Error('enough')), 50);
  await assert.rejects(endless.exitCode, /enough/);
  await until('nothing is open', async () => (await client.open()).sockets === 0);
  await client.delete('pods', 'web', { gracePeriodSeconds: 0 });
});

test('a signal ends what it was given to', async (t) => {
  const client = connect(t);
  const reason = new Error('changed my mind');
  await assert.rejects(client.list('pods', { signal: AbortSignal.abort(reason) }), reason);
  const stop = new AbortController();
  const asked = client.request({ path: '/api/v1/configmaps?watch=true', signal: stop.signal });
  await until('the request is open', async () => (await client.open()).fetches === 1);
  stop.abort(reason);
  await assert.rejects(asked, reason);
  await until('it is closed', async () => (await client.open()).fetches === 0);
  await assert.rejects(client.request({ path: '/api/v1/configmaps?watch=true', timeout: 50 }), portolan.TimeLimitError);
  const informer = client.informer({ gvr: 'cm' });
  const ears = new AbortController();
  const heard = [];
  informer.on('add', ({ name }) => heard.push(name), { signal: ears.signal });
  await informer.synced();
  ears.abort();
  await client.create(configMap('unheard'));
  await until('the cache has it', () => informer.get('default/unheard'));
  assert.ok(!heard.includes('unheard'));
  const loop = informer.events({ signal: AbortSignal.timeout(20) });
  await assert.rejects(async () => {
    for await (const _ of loop);
  }, { name: 'TimeoutError' });
  await client.delete('cm', 'unheard');
});

test('requests and watches go through a fetch of the caller’s own', async (t) => {
  const seen = [];
  const own = (request) => {
    seen.push(`${request.method} ${new URL(request.url).pathname}`);
    return fetch(request);
  };
  const client = connect(t, { fetch: own });
  const informer = client.informer({ gvr: 'configmaps', namespace: 'kube-system' });
  await informer.synced();
  assert.equal(informer.status.watching, 'http');
  assert.ok(seen.includes('GET /api/v1/namespaces/kube-system/configmaps'), seen.join());
  assert.throws(() => portolan.connect({ server: 'http://x', fetch: own, mode: 'shared' }), portolan.UnsupportedError);
  const failing = connect(t, { fetch: () => Promise.reject(new Error('no way')) });
  await assert.rejects(failing.list('pods'), /no way/);
});

/** In a function of its own, whose end leaves nothing behind. */
async function makeAndDrop(client) {
  const dropped = [];
  for (let index = 0; index < 5; index += 1) {
    dropped.push(client.informer({ gvr: 'cm', labelSelector: `n=${index}` }));
    dropped.push(client.liveQuery({ gvr: 'secrets', labelSelector: `n=${index}`, columns: {} }));
    dropped.push(client.informer({ gvr: 'nodes', labelSelector: `n=${index}` }).events());
  }
  await until('fifteen informers', async () => (await client.open()).informers === 15);
}

test('what is dropped ends, and what is disposed of ends at once', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const watcher = connect(t);
  await watcher.mode();
  await makeAndDrop(watcher);
  const kept = watcher.informer({ gvr: 'pods' }).on('add', () => {}); // Its listeners keep it.
  await until('one informer', async () => {
    collect();
    const { informers, sockets } = await watcher.open();
    return informers === 1 && sockets === 1;
  }, { show: () => watcher.open() });
  const early = portolan.connect({ server: proxy.origin, linger: 0 });
  const before = (await watcher.open()).sessions;
  await early.list('pods');
  assert.equal((await watcher.open()).sessions, before + 1);
  {
    const informer = early.informer({ gvr: 'services' });
    await informer.synced();
    informer[Symbol.dispose]();
  }
  await until('its informer is gone', async () => (await watcher.open()).informers === 1);
  const waits = early.request({ path: '/api/v1/pods?watch=true' });
  early[Symbol.dispose]();
  await assert.rejects(waits, portolan.ClosedError);
  await assert.rejects(early.list('pods'), portolan.ClosedError);
  await until('its session is gone', async () => (await watcher.open()).sessions === before);
  await (() => portolan.connect({ server: proxy.origin, linger: 0 }).list('pods'))();
  await until('a dropped client is gone, now that it has its answer', async () => {
    collect();
    const { sessions, fetches } = await watcher.open();
    return sessions === before && fetches === 0;
  });
  kept.close();
});
