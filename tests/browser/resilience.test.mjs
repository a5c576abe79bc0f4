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

/** How much the bad line is to carry: `cargo xtask soak page` makes it long. */
const STRAIN = process.env.PORTOLAN_SOAK === 'long' ? { seconds: 180, writes: 20_000 } : { seconds: 25, writes: 400 };

/** Applies and deletes config maps: so many writes that the server took, evenly over so many seconds. */
async function strain({ seconds, writes }) {
  const [began, WRITERS] = [Date.now(), 8];
  const write = async (number) => {
    // Each writer has names of its own, so that no write waits for another's.
    const name = `soaked-${number % (3 * WRITERS)}`;
    const path = `${proxy.origin}/api/v1/namespaces/default/configmaps/${name}`;
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { number: String(number) } };
    const request = Math.floor(number / (3 * WRITERS)) % 4 === 3
      ? { method: 'DELETE' }
      : { method: 'PATCH', headers: { 'content-type': 'application/apply-patch+yaml' }, body: JSON.stringify(object) };
    const manager = request.body ? '?fieldManager=soak' : '';
    try {
      const answer = await fetch(path + manager, { ...request, signal: AbortSignal.timeout(10_000) });
      await answer.text();
      return answer.ok || answer.status === 404; // deleted by a try whose answer was lost
    } catch {
      return false; // the server is away
    }
  };
  const writer = async (first) => {
    for (let number = first; number < writes; number += WRITERS) {
      const due = began + (1000 * seconds * number) / writes;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - Date.now())));
      while (!(await write(number))) await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, first) => writer(first)));
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

test('behind a bad line, and with the server restarted, each form of informer ends with what the server holds', async (t) => {
  const wire = await between(proxy.port);
  t.after(() => wire.stop());
  const tab = await openTab(t, browser, wire.page, { idle: 5 });
  const informers = await tab.informForms();
  await tab.live();
  let writing = true;
  const written = strain(STRAIN).finally(() => (writing = false));
  // About one piece in a second meets a fault.
  wire.bad(Math.ceil((informers.length * STRAIN.writes) / STRAIN.seconds));
  const memory = () => tab.page.evaluate(() => globalThis.memory.buffer.byteLength);
  // Taken out as they come, for what waits in the page is memory of the module.
  const events = [];
  const hear = async (seconds) => {
    const end = Date.now() + 1000 * seconds;
    while (writing && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      events.push(...(await tab.events()));
    }
  };
  await hear(STRAIN.seconds / 3);
  const before = await memory();
  wire.cut();
  await cluster.control('compact');
  await cluster.control('restart-apiserver');
  await hear(Infinity);
  await written;
  wire.bad(0);
  for (const informer of informers) await tab.converge(cluster, 'configmaps', informer);
  events.push(...(await tab.events()));
  const after = await memory();
  t.diagnostic(`${STRAIN.writes} writes, ${events.length} events to ${informers.join(', ')}, faults ${JSON.stringify(wire.met)}; ${before} and ${after} bytes`);
  assert.equal(informers.length, 4);
  assert.deepEqual(nonsense(events), []);
  assert.ok(after <= before + (4 << 20), 'the memory of the module grew');
  for (const informer of informers) {
    assert.ok(events.filter(({ resource }) => resource === informer).length > STRAIN.writes / 10, `${informer} told little of it`);
  }
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
