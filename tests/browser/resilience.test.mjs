// Connections that die without a word, in a real Chromium: a wire is taken away, the machine sleeps, the page is frozen
// or put aside in the back/forward cache. Every time the page notices, connects again and converges.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aroundTests } from './around.mjs';
import { buildBarePage } from './bare-page.mjs';
import { between } from './between.mjs';
import { launch, launchProcess } from './chromium.mjs';
import { openTab } from './tab.mjs';
import { until } from './waiting.mjs';

const RESOURCES = ['configmaps', 'nodes', 'deployments.apps'];

let browser, cluster, proxy;

aroundTests(buildBarePage, [], (made) => ({ browser, cluster, proxy } = made));

/** A live page behind a wire that can be stalled. */
async function wired(t, options = {}, inBrowser = browser) {
  const wire = await between(proxy.port);
  t.after(() => wire.stop());
  const tab = await openTab(t, inBrowser, wire.page, options);
  await tab.inform(RESOURCES);
  await tab.live();
  return { wire, tab };
}

/** Creates an object the page cannot see, and returns a wait for it. */
async function unseen(t, tab, name) {
  await cluster.kubectl(['create', 'configmap', name]);
  t.after(() => cluster.kubectl(['delete', 'configmap', name]));
  return () => until('the object in the page', async () => `default/${name}` in (await tab.objects('configmaps')), {
    show: () => tab.status(),
  });
}

test('a half-open WebSocket is noticed by its silence', async (t) => {
  const { wire, tab } = await wired(t, { idle: 5 });
  assert.ok(wire.stall() >= RESOURCES.length);
  const began = Date.now();
  const arrives = await unseen(t, tab, 'silence');
  assert.ok(!('default/silence' in (await tab.objects('configmaps'))), 'nothing comes through a stalled wire');
  await arrives();
  t.diagnostic(`in the page after ${Date.now() - began} ms, five of which without a byte were allowed`);
  assert.ok((await tab.status()).some(({ idle }) => idle > 0));
  await tab.live();
});

/** Applies and deletes config maps, `perSecond` in a second, until `end`; what fails while the server is away is left. */
async function writeUntil(end, perSecond) {
  let number = 0;
  for (; Date.now() < end; number += 1) {
    const name = `soaked-${number % 17}`;
    const path = `${proxy.origin}/api/v1/namespaces/default/configmaps/${name}`;
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { number: String(number) } };
    const request = number % 4 === 3
      ? { method: 'DELETE' }
      : { method: 'PATCH', headers: { 'content-type': 'application/apply-patch+yaml' }, body: JSON.stringify(object) };
    const manager = request.body ? '?fieldManager=soak' : '';
    await fetch(path + manager, { ...request, signal: AbortSignal.timeout(10_000) }).then((answer) => answer.text(), () => {});
    await new Promise((resolve) => setTimeout(resolve, 1000 / perSecond));
  }
  return number;
}

/** What was told of a key in an order that cannot be: an older version after a newer, or an addition of what is there. */
function nonsense(events) {
  const last = new Map();
  return events.filter(({ what, resource, key, version }) => {
    const at = `${resource} ${key}`;
    const before = last.get(at);
    last.set(at, { there: what !== 'deleted', version: Number(version) });
    const isThere = before?.there ?? false;
    return (what === 'added') === isThere || Number(version) < (before?.version ?? 0);
  });
}

test('behind a bad line, and with the server restarted, the page ends with what the server holds', async (t) => {
  const { wire, tab } = await wired(t, { idle: 5 });
  const began = Date.now();
  const writing = writeUntil(began + 25_000, 20);
  wire.bad(15);
  const memory = () => tab.page.evaluate(() => globalThis.memory.buffer.byteLength);
  await new Promise((resolve) => setTimeout(resolve, 8000));
  const before = await memory();
  wire.cut();
  await cluster.control('compact');
  await cluster.control('restart-apiserver');
  const writes = await writing;
  wire.bad(0);
  for (const resource of RESOURCES) await tab.converge(cluster, resource);
  const [events, after] = [await tab.events(), await memory()];
  t.diagnostic(`${writes} writes, ${events.length} events, faults ${JSON.stringify(wire.met)}; ${before} and ${after} bytes`);
  assert.deepEqual(nonsense(events), []);
  assert.ok(after <= before + (4 << 20), 'the memory of the module grew');
  assert.ok(events.length > writes / 10, 'the page saw little of it');
  for (const [fault, times] of Object.entries(wire.met)) assert.ok(times > 0, `the line never ${fault} anything`);
  await tab.live();
});

test('the network comes back: the page asks at once', async (t) => {
  const { wire, tab } = await wired(t);
  wire.stall();
  const arrives = await unseen(t, tab, 'network');
  const began = Date.now();
  await tab.page.evaluate(() => dispatchEvent(new Event('online')));
  await arrives();
  t.diagnostic(`in the page after ${Date.now() - began} ms`);
  assert.deepEqual(await tab.wakes(), ['Online']);
  await tab.live();
});

test('the machine sleeps and wakes', async (t) => {
  const own = await launchProcess();
  t.after(() => own.browser.close());
  const { wire, tab } = await wired(t, {}, own.browser);
  process.kill(-own.process.pid, 'SIGSTOP');
  let arrives;
  try {
    wire.stall();
    arrives = await unseen(t, tab, 'sleep');
    await new Promise((resolve) => setTimeout(resolve, 20_000)); // the sleep itself
  } finally {
    process.kill(-own.process.pid, 'SIGCONT');
  }
  const began = Date.now();
  await arrives();
  t.diagnostic(`in the page ${Date.now() - began} ms after waking`);
  assert.ok((await tab.wakes()).some((wake) => wake.startsWith('Slept')), 'the sleep was noticed');
  await tab.live();
  await tab.converge(cluster, 'configmaps');
});

test('a hidden page comes back into sight, or out of a freeze', async (t) => {
  // Headless Chromium hides no page, and freezes none that is in sight, so the two events are made; the dead connections
  // are real.
  const events = { Visible: 'visibilitychange', Resumed: 'resume' };
  for (const [wake, event] of Object.entries(events)) {
    const { wire, tab } = await wired(t);
    wire.stall();
    const arrives = await unseen(t, tab, event);
    const began = Date.now();
    await tab.page.evaluate((event) => document.dispatchEvent(new Event(event)), event);
    await arrives();
    t.diagnostic(`${event}: in the page after ${Date.now() - began} ms`);
    assert.deepEqual(await tab.wakes(), [wake]);
    await tab.live();
  }
});

/** What a browser does to the timers of a page that has been out of sight for long: they run on whole seconds only. */
function throttleTimers() {
  const [later, again, second] = [setTimeout, setInterval, (ms = 0) => Math.ceil((ms || 1) / 1000) * 1000];
  globalThis.setTimeout = (work, ms, ...rest) => later(work, second(ms), ...rest);
  globalThis.setInterval = (work, ms, ...rest) => again(work, second(ms), ...rest);
  Object.defineProperty(Document.prototype, 'hidden', { get: () => true });
}

test('with throttled timers, as in a hidden tab, dead connections are still noticed', async (t) => {
  const { wire, tab } = await wired(t, { idle: 5, first: throttleTimers });
  wire.stall();
  const began = Date.now();
  await (await unseen(t, tab, 'throttled'))();
  t.diagnostic(`in the page after ${Date.now() - began} ms, five of which without a byte were allowed`);
  await tab.live();
});

test('the page leaves and comes back by the back button', async (t) => {
  const own = await launch({ ignoreDefaultArgs: ['--disable-back-forward-cache'] });
  t.after(() => own.close());
  const { tab } = await wired(t, {}, own);
  await tab.page.goto(`${proxy.origin}/version`);
  const arrives = await unseen(t, tab, 'back');
  await tab.page.goBack({ waitUntil: 'commit' }); // out of the cache nothing is loaded
  const cached = await tab.page.evaluate(() => 'tab' in globalThis);
  t.diagnostic(cached ? 'the page came out of the cache' : 'the browser had dropped the page and loaded it anew');
  if (cached) {
    await until('the wake', async () => (await tab.wakes()).includes('Restored'));
  } else {
    await tab.begin();
    await tab.inform(RESOURCES);
  }
  await arrives();
  await tab.live();
  await tab.converge(cluster, 'configmaps');
});
