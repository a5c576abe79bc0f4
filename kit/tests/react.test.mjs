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

let browser, cluster, proxy;

aroundTests(build, [], async (made) => {
  ({ browser, cluster, proxy } = made);
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
