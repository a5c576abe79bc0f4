// The browser transport in a real Chromium, through a real `kubectl proxy`, against a real API server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aroundTests } from './around.mjs';
import { buildBarePage } from './bare-page.mjs';
import { between } from './between.mjs';
import { closeAfter, openPage } from './chromium.mjs';
import { startCluster } from './cluster.mjs';
import { RESOURCES, keyOf, objects, removeObjects } from './kinds.mjs';
import { openTab } from './tab.mjs';
import { until } from './waiting.mjs';
import { startWorker } from './worker.mjs';

let browser, cluster, directory, proxy;

aroundTests(buildBarePage, ['--no-watch-cache=configmaps'], (made) => ({ browser, cluster, directory, proxy } = made));

test('a fact of browsers: six fetch streams stop every request, and leave WebSockets alone', async (t) => {
  const page = await openPage(browser, proxy.page);
  closeAfter(t, page);
  const watch = '/api/v1/configmaps?watch=true&pretty=false';
  const outcome = await page.evaluate(async (watch) => {
    const aborts = Array.from({ length: 6 }, () => new AbortController());
    await Promise.all(aborts.map(({ signal }) => fetch(watch, { signal, cache: 'no-store' })));
    const seventh = await fetch('/version', { signal: AbortSignal.timeout(3000) }).then(() => 'answered', (error) => error.name);
    const began = performance.now();
    const sockets = Array.from({ length: 40 }, () => new WebSocket(watch.replace(/^/, location.origin.replace('http', 'ws'))));
    await Promise.all(sockets.map((socket) => new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    })));
    const took = performance.now() - began;
    sockets.forEach((socket) => socket.close());
    aborts.forEach((abort) => abort.abort());
    const eighth = await fetch('/version', { signal: AbortSignal.timeout(30000) }).then(() => 'answered', (error) => error.name);
    return { seventh, took, eighth };
  }, watch);
  assert.equal(outcome.seventh, 'TimeoutError');
  assert.equal(outcome.eighth, 'answered');
  t.diagnostic(`40 WebSockets opened at once beside them in ${Math.round(outcome.took)} ms`);
});

test('informers on thirty kinds are live in one tab and show every change', async (t) => {
  assert.equal(RESOURCES.length, 30);
  const tab = await openTab(t, browser, proxy.page);
  const began = Date.now();
  await tab.inform(RESOURCES);
  const status = await tab.live();
  t.diagnostic(`thirty informers live after ${Date.now() - began} ms`);
  assert.equal(status.length, 30);
  assert.ok(status.every(({ socket }) => socket), 'every watch goes over a WebSocket');
  assert.equal(await tab.mostPending(), 8, 'handshakes take turns');

  await cluster.kubectl(['create', '-f', '-'], objects('thirty'));
  await until('thirty objects in the page', async () => {
    const held = await Promise.all(RESOURCES.map((resource) => tab.objects(resource)));
    return held.every((objects, index) => keyOf(RESOURCES[index], 'thirty') in objects);
  });
  await tab.events();
  const times = [];
  for (const item of objects('thirty').items) {
    const started = Date.now();
    await cluster.kubectl(['label', '-f', '-', `stamp=${started}`], item);
    times.push(Date.now());
  }
  const seen = [];
  await until('a change of each of thirty kinds in the page', async () => {
    seen.push(...(await tab.events()).filter(({ what, key }) => what === 'updated' && key.endsWith('thirty')));
    return RESOURCES.every((resource) => seen.some((event) => event.resource === resource));
  });
  const delays = RESOURCES.map((resource, index) => seen.find((event) => event.resource === resource).at - times[index]);
  delays.sort((a, b) => a - b);
  t.diagnostic(`a change was in the page ${delays[15].toFixed(0)} ms (median) after kubectl ended, ${delays[29].toFixed(0)} ms at most`);
  await removeObjects(cluster, 'thirty');
  await until('thirty deletions in the page', async () => {
    const held = await Promise.all(RESOURCES.map((resource) => tab.objects(resource)));
    return held.every((objects, index) => !(keyOf(RESOURCES[index], 'thirty') in objects));
  });
  assert.equal((await tab.traffic()).sockets, 30);
  assert.equal((await tab.traffic()).overflowed, 0);
});

test('over fetch four watches run and requests still get through', async (t) => {
  const tab = await openTab(t, browser, proxy.page, { over: 'http' });
  await tab.inform(RESOURCES.slice(0, 8));
  const status = await until('four live informers, the others told why not', async () => {
    const status = await tab.status();
    const lively = status.filter(({ phase }) => phase === 'Live');
    const refused = status.filter(({ error }) => error?.includes('WebSocket'));
    return lively.length === 4 && refused.length >= 4 && status;
  });
  assert.ok(status.every(({ socket }) => !socket));
  assert.equal((await tab.traffic()).streams, 4);
  assert.equal(await tab.request('/version'), 200);
  assert.equal(await tab.request('/no-such-path'), 404);
});

test('a body dropped halfway frees its connection', async (t) => {
  const tab = await openTab(t, browser, proxy.page, { over: 'http' });
  const big = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'big' }, data: { a: 'x'.repeat(900_000) } };
  await cluster.kubectl(['create', '-f', '-'], big);
  for (let round = 0; round < 20; round += 1) {
    const read = await tab.page.evaluate(() => tab.taste('/api/v1/namespaces/default/configmaps/big', 1000));
    assert.ok(read >= 1000);
  }
  assert.equal((await tab.traffic()).fetches, 0);
  await cluster.kubectl(['delete', 'configmap', 'big']);
});

test('the API server goes and comes back: stale, then in sync again', async (t) => {
  const tab = await openTab(t, browser, proxy.page);
  await tab.inform(RESOURCES);
  await tab.live();
  await cluster.control('stop-apiserver');
  const stale = await until('no informer is live', async () => {
    const status = await tab.status();
    return status.every(({ phase }) => phase !== 'Live') && status;
  });
  assert.ok(stale.some(({ phase }) => /stale: true|Stale/.test(phase)), stale[0].phase);
  assert.ok(Object.keys(await tab.objects('clusterroles.rbac.authorization.k8s.io')).length > 10, 'what it had is kept');
  await until('an error that names the failure', async () => (await tab.status()).every(({ error }) => error), {
    show: async () => (await tab.status()).filter(({ error }) => !error),
  });
  const { error } = (await tab.status())[0];
  t.diagnostic(`meanwhile: ${error}`);
  await cluster.control('start-apiserver');
  const back = Date.now();
  await cluster.kubectl(['create', 'configmap', 'after-restart']);
  await tab.live();
  t.diagnostic(`thirty informers live again ${Date.now() - back} ms after the API server`);
  await tab.converge(cluster, 'configmaps');
  await cluster.kubectl(['delete', 'configmap', 'after-restart']);
});

test('a version that was compacted away: 410, a relist, in sync again', async (t) => {
  const own = await cluster.proxy(directory);
  t.after(() => own.stop());
  const tab = await openTab(t, browser, own.page);
  await tab.inform(['configmaps']);
  await tab.live();
  // A watch that breaks before its first event makes the informer list anew; one that has lived is taken up again.
  await cluster.kubectl(['create', 'configmap', 'seen']);
  await until('the object in the page', async () => 'default/seen' in (await tab.objects('configmaps')));
  const [before] = await tab.status();
  await own.stop();
  await until('not live', async () => (await tab.status())[0].phase !== 'Live');
  for (const round of [1, 2, 3]) {
    await cluster.kubectl(['create', 'configmap', `unseen-${round}`]);
  }
  await cluster.control('compact');
  const again = await cluster.proxy(directory, { port: own.port });
  t.after(() => again.stop());
  await tab.converge(cluster, 'configmaps');
  const [status] = await tab.live();
  assert.ok(status.relists > before.relists, `${status.relists} relists`);
  assert.ok(tab.gone.length > 0, `the server said 410: ${JSON.stringify([before, status])}`);
  t.diagnostic(`the last error on the way: ${status.error}`);
  await cluster.kubectl(['delete', 'configmap', 'seen', 'unseen-1', 'unseen-2', 'unseen-3']);
});

test('who may not is told so, though a WebSocket cannot say it', async (t) => {
  const limited = await cluster.proxy(directory, { as: cluster.facts.viewer_token });
  t.after(() => limited.stop());
  const tab = await openTab(t, browser, limited.page);
  await tab.inform(['secrets']);
  const error = await until('an error', async () => (await tab.status())[0].error);
  assert.match(error, /forbidden/i);
  t.diagnostic(error);
});

test('the informer scenario tells in the browser what it tells everywhere', async (t) => {
  for (const over of ['socket', 'http']) {
    const tab = await openTab(t, browser, proxy.page, { over });
    const [told, expected] = await tab.page.evaluate(async () => [await tab.scenario(), Tab.expected()]);
    assert.ok(expected.length > 5);
    assert.deepEqual(told, expected, over);
  }
});

test('without watch-list at the server it tells the same, by list and watch', async (t) => {
  const old = await startCluster('--watch-list=false');
  t.after(() => old.stop());
  const itsProxy = await old.proxy(directory);
  t.after(() => itsProxy.stop());
  const tab = await openTab(t, browser, itsProxy.page);
  const [told, expected] = await tab.page.evaluate(async () => [await tab.scenario(), Tab.expected()]);
  assert.deepEqual(told, expected);
});

test('a bearer token reaches the API server itself over a WebSocket', async (t) => {
  // Not directly: Chromium opens no WebSocket to a server that asks for client certificates, as API servers do.
  const gateway = await between(Number(new URL(cluster.facts.server).port), { secure: true });
  t.after(() => gateway.stop());
  const tab = await openTab(t, browser, proxy.page);
  const address = `${gateway.address}/api/v1/namespaces?watch=true`;
  const open = (token) => tab.page.evaluate(([address, token]) => tab.first_message(address, token), [address, token]);
  assert.match(await open(cluster.facts.token), /"type":"ADDED"/);
  await assert.rejects(open('wrong-token'));
  assert.match(await open(cluster.facts.token), /"type":"ADDED"/, 'one failure keeps no later one from trying');
});

test('the same runs in a dedicated worker', async (t) => {
  const page = await openPage(browser, proxy.page);
  closeAfter(t, page);
  const run = await startWorker(page);
  await run("state.tab = new bare.Tab('socket', 0); await state.tab.discover(); state.tab.inform(['configmaps', 'nodes']);");
  await until('live informers in the worker', async () => {
    const status = JSON.parse(await run('return state.tab.status();'));
    return status.length === 2 && status.every(({ phase }) => phase === 'Live');
  });
  await cluster.kubectl(['create', 'configmap', 'for-the-worker']);
  await until('the object in the worker', async () => {
    return 'default/for-the-worker' in JSON.parse(await run("return state.tab.objects('configmaps');"));
  });
  await cluster.kubectl(['delete', 'configmap', 'for-the-worker']);
});
