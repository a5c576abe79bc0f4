// The packed package in a real Chromium, in a page, a worker and a worker shared by two tabs, through `kubectl proxy`.
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { aroundTests } from '../../tests/browser/around.mjs';
import { startCluster } from '../../tests/browser/cluster.mjs';
import { serveFiles } from '../../tests/browser/files.mjs';
import { RESOURCES } from '../../tests/browser/kinds.mjs';
import { until } from '../../tests/browser/waiting.mjs';
import { buildPage, openTab } from './page.mjs';

let browser, cluster, proxy, directory;

aroundTests(buildPage, ['--no-watch-cache=configmaps'], async (made) => {
  ({ browser, cluster, proxy, directory } = made);
  appendFileSync(join(directory, 'portolan/dist/worker.js'), FAULTS);
});

/**
 * What the tests add to the worker: an allocation of an alignment that there is none of, the module's own way to give up; and an
 * answer that claims to be larger than any memory, over which Rust panics.
 */
const FAULTS = `
new BroadcastChannel('trap').onmessage = async () => {
  const { default: init } = await import('./engine.js');
  (await init()).__wbindgen_malloc(1, 3);
};
new BroadcastChannel('panic').onmessage = async () => {
  const { open } = await import('./host.js');
  const huge = Object.defineProperty(new Uint8Array(1), 'length', { value: 2 ** 31 });
  const fetch = async () => new Response(new ReadableStream({ start: (body) => body.enqueue(huge) }));
  const settings = { server: location.origin, watchOver: 'http', boundsStreams: false, linger: 0 };
  const { session } = await open(settings, { fetch }, () => {}, () => {});
  session.call(1, 'request', JSON.stringify({ method: 'GET', path: '/version' }));
};
`;

const configMap = (name, data = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });

/** Connects in a tab; `globalThis.client`. */
const connect = (tab, options = {}) => tab.evaluate(async (options) => {
  globalThis.client = portolan.connect(options);
  return client.mode();
}, options);

const open = (tab) => tab.evaluate(() => client.open());

for (const mode of ['shared', 'dedicated', 'page']) {
  test(`everything works with the engine in: ${mode}`, async (t) => {
    const tab = await openTab(t, browser, proxy.page);
    assert.equal(await connect(tab, { mode }), mode);
    const seen = await tab.evaluate(async () => {
      const told = [];
      const informer = client.informer({ gvr: 'configmaps', namespace: 'default', fieldSelector: 'metadata.name=one' });
      for (const name of ['add', 'update', 'delete']) informer.on(name, ({ object }) => told.push([name, object.data?.a]));
      await informer.synced();
      const query = client.liveQuery({ gvr: 'configmaps', namespace: 'default', fieldSelector: 'metadata.name=one', columns: { a: 'data.a' } });
      await client.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one' }, data: { a: '1' } });
      await query.until(({ rows }) => rows[0]?.cells.a === '1');
      await client.patch('cm', 'one', { data: { a: '2' } });
      await query.until(({ rows }) => rows[0]?.cells.a === '2');
      const held = (await informer.get('default/one')).data.a;
      await client.delete('cm', 'one');
      await query.until(({ matched }) => matched === 0);
      while (told.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
      const error = await client.get('cm', 'one').catch((error) => [error.name, error instanceof portolan.NotFoundError]);
      return { told, held, error, watching: informer.status.watching };
    });
    assert.deepEqual(seen, { told: [['add', '1'], ['update', '2'], ['delete', '2']], held: '2', error: ['NotFoundError', true], watching: 'socket' });
  });
}

test('without a word the engine runs in a shared worker, and in the page where the policy forbids workers', async (t) => {
  assert.equal(await connect(await openTab(t, browser, proxy.page)), 'shared');
  const tab = await openTab(t, browser, `${proxy.page}no-workers.html`);
  assert.equal(await connect(tab), 'page');
  assert.ok((await tab.evaluate(() => client.list('namespaces'))).items.length > 3);
  await assert.rejects(tab.evaluate(() => portolan.connect({ mode: 'shared' }).mode()), /no shared worker/);
});

/** Holds an informer on each resource, and what it told, as a Map of key to version. */
const hold = (tab, gvrs) => tab.evaluate(async (gvrs) => {
  globalThis.told = {};
  globalThis.problems = [];
  globalThis.informers = gvrs.map(([name, gvr, selector]) => {
    const held = (told[name] = new Map());
    const put = (type) => ({ key, resourceVersion }) => {
      if (held.has(key) !== (type === 'update')) problems.push(`${type} ${name} ${key}`);
      held.set(key, resourceVersion);
    };
    return client
      .informer({ gvr, labelSelector: selector })
      .on('add', put('add'))
      .on('update', put('update'))
      .on('delete', ({ key }) => held.delete(key) || problems.push(`delete ${name} ${key}`));
  });
  await Promise.all(informers.map((informer) => informer.synced()));
}, gvrs);

/** What a tab was told there is. */
const told = (tab) => tab.evaluate(() => Object.fromEntries(Object.entries(told).map(([name, held]) => [name, Object.fromEntries([...held].sort())])));

/** What the server has. */
async function truth(gvrs) {
  const all = {};
  for (const [name, gvr, selector] of gvrs) {
    const list = JSON.parse(await cluster.kubectl(['get', gvr, '--all-namespaces', '--output=json', `--selector=${selector}`]));
    all[name] = Object.fromEntries(list.items.map(({ metadata }) => [[metadata.namespace, metadata.name].filter(Boolean).join('/'), metadata.resourceVersion]).sort());
  }
  return all;
}

const converges = (tabs, gvrs) => until('every tab holds what the server has', async () => {
  const there = JSON.stringify(await truth(gvrs));
  for (const tab of tabs) if (JSON.stringify(await told(tab)) !== there) return false;
  return true;
}, { within: 120_000, every: 250, show: () => Promise.all(tabs.map((tab) => tab.evaluate(() => informers.map(({ status }) => status)))) });

/** Forty informers: each of thirty resources, and ten with selectors. */
const FORTY = [
  ...RESOURCES.map((name) => [name, name, '']),
  ...Array.from({ length: 10 }, (_, index) => [`configmaps ${index}`, 'configmaps', `number=${index}`]),
];

test('two tabs share one worker and forty informers through a restart of the API server and a 410', async (t) => {
  const own = await cluster.proxy(directory);
  t.after(() => own.stop());
  const one = await openTab(t, browser, own.page);
  const two = await openTab(t, browser, own.page, one.context());
  for (const tab of [one, two]) assert.equal(await connect(tab, { mode: 'shared' }), 'shared');
  const began = Date.now();
  await Promise.all([hold(one, FORTY), hold(two, FORTY)]);
  t.diagnostic(`forty informers in sync in two tabs after ${Date.now() - began} ms`);
  const { informers, sessions, sockets } = await open(two);
  assert.deepEqual({ informers, sessions, sockets }, { informers: 40, sessions: 2, sockets: 40 });
  await cluster.kubectl(['create', 'configmap', 'numbered']);
  await cluster.kubectl(['label', 'configmap', 'numbered', 'number=3']);
  await converges([one, two], FORTY);

  await cluster.control('restart-apiserver');
  await cluster.kubectl(['create', 'configmap', 'after-restart']);
  await converges([one, two], FORTY);

  await until('all live', () => two.evaluate(() => informers.every(({ status }) => status.phase === 'live')));
  const relists = () => one.evaluate(() => informers.find((informer, index) => index === globalThis.configmaps)?.status.relists);
  await one.evaluate((index) => (globalThis.configmaps = index), RESOURCES.indexOf('configmaps'));
  const before = await relists();
  await own.stop();
  await until('not live', () => one.evaluate(() => informers.every(({ status }) => status.phase !== 'live')));
  for (const round of [1, 2, 3]) await cluster.kubectl(['create', 'configmap', `unseen-${round}`]);
  await cluster.kubectl(['delete', 'configmap', 'numbered']);
  await cluster.control('compact');
  const again = await cluster.proxy(directory, { port: own.port });
  t.after(() => again.stop());
  await converges([one, two], FORTY);
  assert.ok((await relists()) > before, 'the version was compacted away: listed anew');
  for (const tab of [one, two]) assert.deepEqual(await tab.evaluate(() => problems), [], 'no event was told twice or out of turn');

  await two.close();
  await until('one session', async () => (await open(one)).sessions === 1);
  assert.equal((await open(one)).informers, 40);
  await cluster.kubectl(['delete', 'configmap', 'after-restart', 'unseen-1', 'unseen-2', 'unseen-3']);
});

for (const [what, end, why] of [
  ['that ends', endWorker, /the worker ended$/],
  ['whose module traps', (tab) => fault(tab, 'trap'), /the worker ended$/],
  ['whose module panics', (tab) => fault(tab, 'panic'), /panicked at .*capacity overflow$/s],
]) test(`a worker ${what} is noticed by every tab, started again, and nothing is told twice`, async (t) => {
  const one = await openTab(t, browser, proxy.page);
  const two = await openTab(t, browser, proxy.page, one.context());
  const some = [['configmaps', 'configmaps', ''], ['namespaces', 'namespaces', '']];
  await cluster.kubectl(['create', 'configmap', 'goes']);
  await cluster.kubectl(['create', 'configmap', 'changes']);
  for (const tab of [one, two]) {
    await connect(tab, { mode: 'shared' });
    await hold(tab, some);
    await tab.evaluate(() => {
      globalThis.query = client.liveQuery({ gvr: 'configmaps', namespace: 'default', columns: { a: 'data.a' }, window: { start: 0, end: 50 } });
      return query.until(({ synced }) => synced);
    });
  }
  await two.evaluate(() => {
    const path = '/api/v1/configmaps?watch=true';
    globalThis.reading = client.request({ path, timeout: 3000 }).catch((error) => error.name);
  });
  let asked = false;
  const silent = await serveFiles(t, directory, () => (asked = true));
  await two.evaluate((server) => {
    const written = portolan.connect({ server, mode: 'shared' }).request({ method: 'POST', path: '/any', body: {} });
    globalThis.writing = written.catch(({ name, message }) => ({ name, message }));
  }, silent.origin);
  await until('the server that never answers is asked', () => asked);
  const ended = await end(one);
  await cluster.kubectl(['delete', 'configmap', 'goes']);
  await cluster.kubectl(['patch', 'configmap', 'changes', '--type=merge', '--patch={"data":{"a":"b"}}']);
  await cluster.kubectl(['create', 'configmap', 'comes']);
  await converges([one, two], some);
  for (const tab of [one, two]) {
    await tab.evaluate(() => query.until(({ rows }) => rows.some(({ key, cells }) => key === 'default/changes' && cells.a === 'b') && rows.some(({ key }) => key === 'default/comes')));
    assert.deepEqual(await tab.evaluate(() => problems), []);
    assert.equal(await tab.evaluate(() => client.mode()), 'shared');
  }
  const session = await browser.newBrowserCDPSession();
  assert.notEqual((await theWorker(session)).targetId, ended);
  await session.detach();
  const { sessions, informers } = await open(one);
  assert.deepEqual({ sessions, informers }, { sessions: 2, informers: 3 });
  assert.equal(await two.evaluate(() => reading), 'TimeLimitError', 'a read is made again');
  const { name, message } = await two.evaluate(() => writing);
  assert.equal(name, 'ConnectionError', 'a write is not');
  assert.match(message, why);
  await cluster.kubectl(['delete', 'configmap', 'changes', 'comes']);
});

/**
 * Connects in a tab to a warm start, and tells how its query on `gvr` stands as soon as it has seen every object; one that
 * is held back is not let watch before `live`.
 */
const warm = (tab, gvr, { held = false, ...options } = {}) => tab.evaluate(async ([gvr, held, options]) => {
  globalThis.asked = [];
  const gate = held ? new Promise((resolve) => (globalThis.release = resolve)) : undefined;
  const own = async (request) => {
    const { searchParams } = new URL(request.url);
    if (searchParams.has('watch')) asked.push(Object.fromEntries(searchParams));
    if (searchParams.has('watch')) await gate;
    return fetch(request);
  };
  globalThis.client = portolan.connect({ fetch: own, linger: 0, warmStart: { every: 20, ...options } });
  globalThis.query = client.liveQuery({ gvr, namespace: 'default', columns: { a: 'data.a' } });
  const { status, rows } = await query.until(({ synced }) => synced);
  return { asOf: status.asOf?.getTime(), names: rows.map(({ key }) => key) };
}, [gvr, held, options]);

/** Resolves once the caches of a tab are as they are kept. */
const kept = (tab, count) => until(`${count} caches are kept`, async () => (await keys(tab)).length === count, { show: () => keys(tab) });

const keys = (tab) => inCaches(tab, 'getAllKeys');

const inCaches = (tab, method, ...args) => tab.evaluate(([method, args]) => new Promise((resolve, reject) => {
  const opening = indexedDB.open('portolan');
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const caches = opening.result.objectStoreNames.contains('caches') && opening.result.transaction('caches', 'readwrite').objectStore('caches');
    const asked = caches ? caches[method](...args) : { result: [] };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
    if (!caches) resolve([]);
    opening.result.close();
  };
}), [method, args]);

const live = (tab) => tab.evaluate(async () => {
  globalThis.release?.();
  const { rows, status } = await query.until(({ status }) => status.phase === 'live');
  return { names: rows.map(({ key }) => key), asOf: status.asOf, relists: status.relists };
});

test('a reload shows what was there, as of then, and asks only for what has changed', async (t) => {
  const one = await openTab(t, browser, proxy.page);
  const context = one.context();
  const began = Date.now();
  for (const name of ['kept', 'goes']) await cluster.kubectl(['create', 'configmap', name, '--from-literal=a=1']);
  const cold = await warm(one, 'configmaps');
  assert.equal(cold.asOf, undefined);
  await live(one);
  await kept(one, 1);
  await cluster.kubectl(['delete', 'configmap', 'goes']);
  await one.evaluate(() => query.until(({ rows }) => !rows.some(({ key }) => key === 'default/goes')));
  await one.evaluate(() => client.close());

  // While nobody looks.
  await cluster.kubectl(['patch', 'configmap', 'kept', '--type=merge', '--patch={"data":{"a":"2"}}']);
  const two = await openTab(t, browser, proxy.page, context);
  const first = await warm(two, 'configmaps', { held: true });
  assert.ok(first.asOf >= began && first.asOf <= Date.now(), String(first.asOf));
  assert.ok(first.names.includes('default/kept'), first.names);
  const { names, asOf, relists } = await live(two);
  assert.ok(names.includes('default/kept') && !names.includes('default/goes'), String(names));
  assert.deepEqual({ asOf, relists }, { asOf: undefined, relists: 0 });
  await until('the change', () => two.evaluate(() => query.snapshot.rows.find(({ key }) => key === 'default/kept')?.cells.a === '2'));
  const asked = await two.evaluate(() => globalThis.asked);
  assert.ok(asked.length === 1 && asked[0].resourceVersion && !asked[0].sendInitialEvents, JSON.stringify(asked));
  await two.evaluate(() => client.close());

  await cluster.kubectl(['delete', 'configmap', 'kept']);
  await cluster.kubectl(['create', 'configmap', 'late']);
  await cluster.control('compact');
  const three = await openTab(t, browser, proxy.page, context);
  assert.notEqual((await warm(three, 'configmaps', { held: true })).asOf, undefined);
  await until('the truth, though the version was compacted away', async () => {
    const { names } = await live(three);
    return names.includes('default/late') && !names.includes('default/kept');
  });
  await cluster.kubectl(['delete', 'configmap', 'late']);
});

test('what is kept is kept by cluster, never of Secrets unless told, and not used when it is broken', async (t) => {
  const own = await cluster.proxy(directory);
  const one = await openTab(t, browser, own.page);
  const context = one.context();
  await warm(one, 'configmaps');
  await live(one);
  await kept(one, 1);
  await one.evaluate(() => client.close());
  const open = (page = own.page) => openTab(t, browser, page, context);

  const secrets = await open();
  await warm(secrets, 'secrets');
  await live(secrets);
  await warm(secrets, 'services');
  await live(secrets);
  await kept(secrets, 2);
  assert.ok(!(await keys(secrets)).some((name) => name.includes('secrets')));
  await warm(secrets, 'secrets', { secrets: true });
  await live(secrets);
  await kept(secrets, 3);
  await secrets.close();

  const broken = await open();
  await broken.evaluate(() => new Promise((resolve) => {
    indexedDB.open('portolan').onsuccess = ({ target: { result: database } }) => {
      const transaction = database.transaction('caches', 'readwrite');
      transaction.objectStore('caches').openCursor().onsuccess = ({ target: { result: cursor } }) => {
        if (!cursor) return;
        cursor.value.bytes.fill(120, -40);
        cursor.update(cursor.value);
        cursor.continue();
      };
      transaction.oncomplete = () => resolve(database.close());
    };
  }));
  assert.equal((await warm(broken, 'configmaps')).asOf, undefined);
  await live(broken);
  await kept(broken, 3);
  await broken.close();

  const newer = await open();
  await newer.evaluate(() => new Promise((resolve) => (indexedDB.open('portolan', 7).onsuccess = ({ target }) => resolve(target.result.close()))));
  assert.equal((await warm(newer, 'configmaps')).asOf, undefined, 'written by a newer version: made anew');
  await live(newer);
  await kept(newer, 1);
  await newer.close();

  await own.stop();
  const other = await startCluster();
  t.after(() => other.stop());
  const theirs = await other.proxy(directory, { port: own.port });
  t.after(() => theirs.stop());
  const another = await open(theirs.page);
  assert.equal((await warm(another, 'configmaps')).asOf, undefined, 'of another cluster at the same address nothing is shown');
  await live(another);
  await kept(another, 2);
  await another.evaluate(() => client.close());
  await another.evaluate(() => portolan.clearData());
  await kept(another, 0);
});

test('without room nothing is kept, and all works', async (t) => {
  const tab = await openTab(t, browser, proxy.page);
  const session = await tab.context().newCDPSession(tab);
  await session.send('Storage.overrideQuotaForOrigin', { origin: proxy.origin, quotaSize: 1 });
  await tab.evaluate(() => {
    globalThis.refused = [];
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (...args) {
      this.transaction.addEventListener('abort', () => refused.push(this.transaction.error.name));
      return put.apply(this, args);
    };
  });
  await warm(tab, 'configmaps');
  await cluster.kubectl(['create', 'configmap', 'roomless']);
  await until('the page is live', async () => (await live(tab)).names.includes('default/roomless'));
  await until('it was tried', () => tab.evaluate(() => refused.includes('QuotaExceededError')), { within: 15_000, show: () => tab.evaluate(() => refused) });
  assert.deepEqual(await keys(tab), []);
  assert.deepEqual(tab.said.filter((line) => line.startsWith('error')), []);
  await cluster.kubectl(['delete', 'configmap', 'roomless']);
});

/** Ends the shared worker as a crash would: from outside, without a word. Returns the one it was. */
async function endWorker() {
  const session = await browser.newBrowserCDPSession();
  const { targetId } = await theWorker(session);
  await session.send('Target.closeTarget', { targetId });
  await session.detach();
  return targetId;
}

/** Has the engine's module trap or panic in the shared worker, as a fault of its own would. Returns the worker. */
async function fault(tab, which) {
  const session = await browser.newBrowserCDPSession();
  const { targetId } = await theWorker(session);
  await session.detach();
  await tab.evaluate((which) => new BroadcastChannel(which).postMessage(''), which);
  return targetId;
}

/** The only shared worker there is. */
async function theWorker(session) {
  const workers = await until('one shared worker', async () => {
    const { targetInfos } = await session.send('Target.getTargets');
    const found = targetInfos.filter(({ type }) => type === 'shared_worker');
    return found.length === 1 && found;
  });
  return workers[0];
}
