// Fifty thousand objects and two thousand events a second in a worker that tabs share: what the page is busy with meanwhile.
// And how soon a row is there, with nothing kept and with a cache kept.
// A canned server in place of a cluster, which could not make so many.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../../tests/browser/chromium.mjs';
import { serveFiles } from '../../tests/browser/files.mjs';
import { described, tasksOf } from '../../tests/browser/trace.mjs';
import { until } from '../../tests/browser/waiting.mjs';
import { buildPage, openTab } from './page.mjs';

const OBJECTS = 50_000;
const PER_SECOND = 2_000;
const SECONDS = 10;

let browser, directory;

before(async () => {
  directory = buildPage();
  browser = await launch();
});

after(() => browser?.close());

const pod = (number, version) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `pod-${String(number).padStart(5, '0')}`, namespace: 'default', uid: `uid-${number}`, resourceVersion: String(version), labels: { app: `app-${number % 97}` } },
  spec: { nodeName: `node-${number % 500}`, containers: [{ name: 'main', image: 'example.invalid/main:1', env: Array.from({ length: 8 }, (_, index) => ({ name: `V${index}`, value: 'x'.repeat(40) })) }] },
  status: { phase: version % 3 === 0 ? 'Running' : 'Pending', containerStatuses: [{ name: 'main', restartCount: version % 11 }] },
});

/** That a page was never busy for three frames: ten times what it takes, in processor time. */
const stays = (tasks) => assert.ok(tasks[0] < 50, `the page was busy: ${described(tasks)}`);

/** The longest task that ran script but one in a thousand, in ms of processor time; it is to be within a frame. */
function sliced(who, slices) {
  const slice = slices[Math.floor(slices.length / 1000)];
  assert.ok(slice < 16, `${who} was busy: ${described(slices)}`);
  return `${who}'s longest of ${slices.length} tasks with script but one in a thousand: ${slice.toFixed(1)} ms`;
}

/** A server of pods alone, so many: their watch begins with all of them and, once told, brings changes. */
function cannedServer(objects = OBJECTS) {
  const bodies = {
    '/api/v1/namespaces/kube-system': { metadata: { uid: 'one cluster' } },
    '/apis/authentication.k8s.io/v1/selfsubjectreviews': { status: { userInfo: { username: 'one user' } } },
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
    '/api/v1': { kind: 'APIResourceList', groupVersion: 'v1', resources: [{ name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get', 'list', 'watch'] }] },
  };
  const state = { version: objects, versions: new Map(), response: undefined, silent: false };
  const line = (type, object) => `${JSON.stringify({ type, object })}\n`;
  state.answer = (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://canned');
    const body = bodies[pathname];
    if (body) return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (pathname !== '/api/v1/pods' || !searchParams.has('watch')) return response.writeHead(404).end();
    if (state.silent) return undefined;
    response.writeHead(200, { 'content-type': 'application/json' });
    for (let number = 0; number < objects; number += 1) response.write(line('ADDED', pod(number, number + 1)));
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    response.write(line('BOOKMARK', { apiVersion: 'v1', kind: 'Pod', metadata: { resourceVersion: String(objects), annotations } }));
    state.response = response;
  };
  /** So many changes, of objects all over. */
  state.change = (count) => {
    for (let index = 0; index < count; index += 1) {
      state.version += 1;
      const number = (state.version * 7919) % objects;
      state.versions.set(number, state.version);
      state.response.write(line('MODIFIED', pod(number, state.version)));
    }
  };
  return state;
}

test('a page stays free while its worker holds fifty thousand objects that change two thousand times a second', async (t) => {
  const canned = cannedServer();
  const { page } = await serveFiles(t, directory, canned.answer);
  const tab = await openTab(t, browser, page);
  const began = Date.now();
  const [loading, loadingThere] = await tasksOf(browser, tab, ['CrRendererMain', 'SharedWorker thread'], () => tab.evaluate(async () => {
    globalThis.client = portolan.connect({ mode: 'shared' });
    globalThis.query = client.liveQuery({
      gvr: 'v1/pods',
      columns: { name: 'metadata.name', phase: 'status.phase', restarts: 'status.containerStatuses[0].restartCount' },
      sort: [{ by: 'restarts', descending: true }, { by: 'name' }],
      filter: { where: [{ path: 'status.phase', in: ['Running'] }] },
      window: { start: 0, end: 50 },
    });
    globalThis.updates = 0;
    query.subscribe(() => (updates += 1));
    await query.until(({ synced }) => synced);
  }));
  t.diagnostic(`${OBJECTS} objects in sync after ${Date.now() - began} ms; the page: ${described(loading.tasks)}; the worker: ${described(loadingThere.tasks)}`);
  stays(loading.tasks);
  const first = await tab.evaluate(() => updates);
  const [here, there] = await tasksOf(browser, tab, ['CrRendererMain', 'SharedWorker thread'], async () => {
    for (let turn = 0; turn < SECONDS * 50; turn += 1) {
      canned.change(PER_SECOND / 50);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  assert.ok(here.slices.length > 0 && there.slices.length > 0, 'the trace holds both threads');
  stays(here.tasks);
  t.diagnostic(`${PER_SECOND} events a second for ${SECONDS} s; the page: ${described(here.tasks)}; the worker: ${described(there.tasks)}`);
  t.diagnostic(`${sliced('the page', here.slices)}; ${sliced('the worker', there.slices)}; ${(await tab.evaluate(() => updates)) - first} updates`);
  const expected = Array.from({ length: OBJECTS }, (_, number) => pod(number, canned.versions.get(number) ?? number + 1))
    .filter(({ status }) => status.phase === 'Running')
    .map(({ metadata, status }) => [status.containerStatuses[0].restartCount, metadata.name])
    .sort((a, b) => b[0] - a[0] || (a[1] < b[1] ? -1 : 1));
  await until('the rows in view are those of a plain sort', async () => {
    const seen = await tab.evaluate(() => [query.snapshot.matched, query.snapshot.rows.map(({ cells }) => [cells.restarts, cells.name])]);
    return JSON.stringify(seen) === JSON.stringify([expected.length, expected.slice(0, 50)]);
  });
});

/** Runs in the page before all else: once the package is there, opens a query, and notes when its first row is. */
function noteFirstRow() {
  globalThis.begin = ({ connect }) => {
    const client = connect({ warmStart: { every: 20 } });
    const columns = { name: 'metadata.name', phase: 'status.phase' };
    globalThis.query = client.liveQuery({ gvr: 'v1/pods', columns, sort: [{ by: 'name' }], window: { start: 0, end: 50 } });
    query.subscribe(() => {
      if (query.snapshot.rows.length > 0) globalThis.firstRow ??= performance.now();
    });
  };
}

test('a page that kept its cache has its first row before its server has said anything of objects', async (t) => {
  const KEPT = 10_000;
  const canned = cannedServer(KEPT);
  const { page } = await serveFiles(t, directory, canned.answer);
  const cold = await openTab(t, browser, page, undefined, noteFirstRow);
  const row = async (tab) => (await tab.waitForFunction(() => globalThis.firstRow)).jsonValue();
  const first = await row(cold);
  await cold.evaluate((kept) => query.until(({ synced, total }) => synced && total === kept), KEPT);
  await until('the cache is kept', () => cold.evaluate(() => new Promise((resolve) => {
    indexedDB.open('portolan').onsuccess = ({ target: { result: database } }) => {
      const caches = database.objectStoreNames.contains('caches') && database.transaction('caches').objectStore('caches').count();
      if (caches) caches.onsuccess = () => resolve(caches.result === 1);
      else resolve(false);
      database.close();
    };
  })));
  const context = cold.context();
  await cold.close();
  canned.silent = true;
  const warm = await openTab(t, browser, page, context, noteFirstRow);
  const again = await row(warm);
  const { asOf, total } = await warm.evaluate(() => ({ asOf: query.snapshot.status.asOf, total: query.snapshot.total }));
  assert.ok(asOf && total === KEPT, 'all of what was kept, marked as of then');
  t.diagnostic(`of ${KEPT} objects the first row after ${first.toFixed(0)} ms cold, ${again.toFixed(0)} ms warm, since the page began to load`);
});
