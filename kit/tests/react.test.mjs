// The React example, installed from the packed tarball into an empty project, built by Vite, in a real Chromium on a real
// API server through `kubectl proxy`.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { aroundTests } from '../../tests/browser/around.mjs';
import { closeAfter, openPage } from '../../tests/browser/chromium.mjs';
import { until } from '../../tests/browser/waiting.mjs';
import { npmInstall, pack, run, temporary } from './package.mjs';

const EXAMPLE = join(import.meta.dirname, '../examples/react');
const OUTPUT = join(import.meta.dirname, '../../tests/output');

let browser, cluster, proxy, directory;

aroundTests(build, ['--no-watch-cache=configmaps'], async (made) => {
  ({ browser, cluster, proxy, directory } = made);
});

/** Copies the example into an empty project, installs the tarball, and builds it. Returns what is to be served. */
function build() {
  const project = temporary('portolan-react-');
  cpSync(EXAMPLE, project, { recursive: true, verbatimSymlinks: true });
  npmInstall(project, pack());
  run('npm', ['run', 'build'], project);
  return join(project, 'dist');
}

const HOSTILE = '<img src=x onerror=alert(1)>';

const pod = (name) => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [{ name: 'main', image: 'example.invalid/none' }] },
});

async function openExample(t, options) {
  const page = await openPage(browser, proxy.page, options);
  closeAfter(t, page);
  return page;
}

const rows = (page) => page.locator('.body [role=row] .name').allTextContents();
const showing = (page, what, wanted) => until(what, async () => wanted(await rows(page)), { show: async () => [await rows(page), await page.locator('header').textContent()] });

test('a table of pods is live: rows come, change, go, are filtered and sorted', async (t) => {
  mkdirSync(OUTPUT, { recursive: true });
  const items = Array.from({ length: 120 }, (_, index) => pod(`pod-${String(index).padStart(3, '0')}`));
  items.push(pod('hostile'));
  await cluster.kubectl(['create', '-f', '-'], { apiVersion: 'v1', kind: 'List', items });
  // A phase is the one text in view that a server takes in any letters.
  await cluster.kubectl(['patch', 'pod', 'hostile', '--subresource=status', '--type=merge', `--patch=${JSON.stringify({ status: { phase: HOSTILE } })}`]);
  const page = await openExample(t);
  await showing(page, 'the first rows', (names) => names.length >= 20 && names[0] === 'hostile' && names[1] === 'pod-000');
  assert.equal(await page.locator('.body [role=row]', { hasText: 'hostile' }).locator('.phase').textContent(), HOSTILE);
  assert.equal(await page.locator('img').count(), 0, 'what a server says is text');
  assert.ok((await rows(page)).length < 60, 'only the rows in view are drawn');
  assert.equal(await page.locator('.standing').textContent(), 'live');
  assert.equal(await page.locator('output').textContent(), '121 pods');
  assert.equal(await page.locator('.phases').textContent(), `1 ${HOSTILE}120 Pending`);
  await page.screenshot({ path: join(OUTPUT, 'react-1440.png') });

  await cluster.kubectl(['patch', 'pod', 'pod-000', '--subresource=status', '--type=merge', '--patch={"status":{"phase":"Running","containerStatuses":[{"name":"main","restartCount":7,"image":"i","imageID":"i","ready":true}]}}']);
  const running = page.locator('.body [role=row]', { hasText: 'pod-000' });
  await until('the change is shown', async () => (await running.locator('.phase').textContent()) === 'Running' && (await running.locator('.restarts').textContent()) === '7');
  await cluster.kubectl(['delete', 'pod', 'pod-001', '--force', '--grace-period=0']);
  await showing(page, 'the deleted one is gone', (names) => !names.includes('pod-001'));

  await page.getByLabel('Filter').fill('pod-11');
  await showing(page, 'ten rows', (names) => names.length === 10 && names[0] === 'pod-110');
  assert.equal(await page.locator('output').textContent(), '10 of 120 pods');
  await page.getByLabel('Filter').fill('nothing like it');
  await page.getByText('No pod matches the filter.').waitFor();
  await page.getByLabel('Filter').fill('');
  await page.getByRole('button', { name: 'restarts' }).click();
  await page.getByRole('button', { name: 'restarts' }).click();
  await showing(page, 'most restarts first', (names) => names[0] === 'pod-000');
  await page.getByRole('button', { name: 'name', exact: false }).last().click();
  await page.locator('.rows').evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await showing(page, 'the last rows', (names) => names.at(-1) === 'pod-119');
  await page.getByLabel('Namespace').selectOption('kube-system');
  await showing(page, 'none in another namespace', (names) => names.length === 0);
  assert.deepEqual(page.said.filter((line) => /^error/.test(line)), []);
  await cluster.kubectl(['delete', 'pods', '--all', '--force', '--grace-period=0']);
});

test('the connection’s state is in view, and two tabs share one engine', async (t) => {
  await cluster.kubectl(['create', '-f', '-'], pod('stays'));
  const one = await openExample(t, { viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
  const two = await one.context().newPage();
  await two.goto(proxy.page);
  for (const page of [one, two]) await showing(page, 'the pod', (names) => names.includes('stays'));
  await one.screenshot({ path: join(OUTPUT, 'react-390-dark.png') });
  const session = await browser.newBrowserCDPSession();
  const { targetInfos } = await session.send('Target.getTargets');
  assert.equal(targetInfos.filter(({ type }) => type === 'shared_worker').length, 1);
  await cluster.control('stop-apiserver');
  await until('the trouble is told', async () => /reconnecting|trying again/.test(await one.locator('.standing').textContent()));
  assert.ok((await rows(one)).includes('stays'), 'what it has stays in view');
  await cluster.control('start-apiserver');
  await cluster.kubectl(['create', '-f', '-'], pod('comes'));
  for (const page of [one, two]) await showing(page, 'the new pod', (names) => names.includes('comes'));
  await until('live again', async () => (await one.locator('.standing').textContent()) === 'live');
});

/** What a tab shows of every kind: how it stands, and the versions by key. */
const kinds = (page) => page.locator('details').evaluateAll((all) => all.map((kind) => ({
  gvr: kind.dataset.gvr,
  phase: kind.dataset.phase,
  relists: Number(kind.dataset.relists),
  total: Number(kind.querySelector('output').textContent),
  held: Object.fromEntries([...kind.querySelectorAll('li')].map((line) => [line.textContent, line.dataset.version]).sort()),
})));

/** The same of what the server has. */
const truth = (gvrs) => Promise.all(gvrs.map(async (gvr) => {
  const path = gvr.split('/').length === 2 ? `/api/${gvr}` : `/apis/${gvr}`;
  const { items } = await (await fetch(proxy.origin + path)).json();
  const keyOf = ({ namespace, name }) => [namespace, name].filter(Boolean).join('/');
  return { gvr, total: items.length, held: Object.fromEntries(items.map(({ metadata }) => [keyOf(metadata), metadata.resourceVersion]).sort()) };
}));

/** Waits until every tab shows of every kind what the server has. */
const converges = (pages) => until('every tab shows what the server has', async () => {
  for (const page of pages) {
    const shown = await kinds(page);
    const there = await truth(shown.map(({ gvr }) => gvr));
    const seen = shown.map(({ gvr, total, held }) => ({ gvr, total, held }));
    if (JSON.stringify(seen) !== JSON.stringify(there)) return false;
  }
  return true;
}, { within: 120_000, every: 250, show: async () => (await kinds(pages[0])).map(({ gvr, phase, total }) => [gvr, phase, total]) });

test('forty kinds and more in two tabs on one worker, through a restart of the API server and a 410', async (t) => {
  const own = await cluster.proxy(directory);
  t.after(() => own.stop());
  const one = await openPage(browser, `${own.page}#kinds`);
  closeAfter(t, one);
  const two = await one.context().newPage();
  await two.goto(`${own.page}#kinds`);
  const live = (page) => until('every kind is live', async () => {
    const shown = await kinds(page);
    return shown.length >= 40 && shown.every(({ phase }) => phase === 'live') && shown.length;
  }, { show: () => kinds(page) });
  t.diagnostic(`${await live(one)} kinds in the first tab, ${await live(two)} in the second`);
  const session = await browser.newBrowserCDPSession();
  const { targetInfos } = await session.send('Target.getTargets');
  assert.equal(targetInfos.filter(({ type }) => type === 'shared_worker').length, 1);
  for (const name of ['stays', 'goes']) await cluster.kubectl(['create', 'configmap', name]);
  await converges([one, two]);
  assert.ok((await kinds(one)).every(({ total, held }) => total === Object.keys(held).length), 'of every kind all objects are compared');
  await one.locator('summary', { hasText: 'ConfigMap' }).click();
  await one.screenshot({ path: join(OUTPUT, 'react-kinds-1440.png') });
  await two.setViewportSize({ width: 390, height: 844 });
  await two.screenshot({ path: join(OUTPUT, 'react-kinds-390.png') });

  await cluster.control('restart-apiserver');
  await cluster.kubectl(['create', 'configmap', 'after-restart']);
  await converges([one, two]);
  await live(one);

  const relists = async () => (await kinds(one)).find(({ gvr }) => gvr === 'v1/configmaps').relists;
  const before = await relists();
  await own.stop();
  await until('not live', async () => (await kinds(one)).every(({ phase }) => phase !== 'live'));
  await cluster.kubectl(['create', 'configmap', 'unseen']);
  await cluster.kubectl(['delete', 'configmap', 'goes']);
  await cluster.control('compact');
  const again = await cluster.proxy(directory, { port: own.port });
  t.after(() => again.stop());
  await converges([one, two]);
  assert.ok((await relists()) > before, 'the version was compacted away: listed anew');
  assert.deepEqual(one.said.filter((line) => /^error: /.test(line)), []);
  await cluster.kubectl(['delete', 'configmap', 'stays', 'after-restart', 'unseen']);
});
