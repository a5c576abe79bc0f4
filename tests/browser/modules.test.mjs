// The dashboard's modules: which are fetched when, and what is told of one that does not come.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { aroundPages } from './around.mjs';
import { buildDashboard, inMemory, openDashboard } from './dashboard.mjs';
import { serveFiles } from './files.mjs';
import { until } from './waiting.mjs';

const UNLOADED = 'A part of this page did not load';

let browser, directory;

aroundPages(buildDashboard, (made) => ({ browser, directory } = made));

/** The page's files without `missing`; gone at the end of test `t`. */
function without(t, missing) {
  const partial = mkdtempSync(join(tmpdir(), 'portolan-page-'));
  t.after(() => rmSync(partial, { recursive: true }));
  cpSync(directory, partial, { recursive: true, filter: (path) => !path.endsWith(missing) });
  return partial;
}

/** The names of the wasm files that the page has fetched. */
const fetched = ({ page }) => page.evaluate(() => performance.getEntriesByType('resource')
  .map(({ name }) => name.split('/').pop()).filter((name) => name.endsWith('.wasm')).sort());

/** Writes `text` into the editor of the first config map and has it reviewed. */
async function review({ page }, text) {
  await page.keyboard.press('j');
  await page.keyboard.press('e');
  await page.getByTestId('editor').fill(text);
  await page.getByTestId('review').click();
}

test('a page on a server fetches its own module alone', async (t) => {
  const files = await serveFiles(t, directory);
  const dashboard = await openDashboard(t, browser, files.page);
  await dashboard.told('No API server here');
  assert.deepEqual(await fetched(dashboard), ['web_demo_bg.wasm']);
});

test('the cluster in memory and the reader of YAML come when they are needed', async (t) => {
  const dashboard = await inMemory(t, browser, directory, '#/configmaps');
  assert.deepEqual(await fetched(dashboard), ['cluster_bg.wasm', 'web_demo_bg.wasm']);
  await review(dashboard, 'kind: [\n');
  await until('what is wrong', async () => /Not YAML/.test(await dashboard.page.getByTestId('edit-problem').innerText()));
  assert.deepEqual(await fetched(dashboard), ['cluster_bg.wasm', 'web_demo_bg.wasm', 'yaml_bg.wasm']);
});

test('without the cluster in memory the page says so', async (t) => {
  const files = await serveFiles(t, without(t, 'cluster_bg.wasm'));
  for (const query of ['source=memory', '']) {
    const dashboard = await openDashboard(t, browser, files.page, '#/', { query });
    await dashboard.told(UNLOADED);
    await dashboard.shoot('modules-no-cluster');
  }
});

test('without the reader of YAML nothing is sent and the text stays; once it is there it is read', async (t) => {
  const partial = without(t, 'yaml_bg.wasm');
  const dashboard = await inMemory(t, browser, partial, '#/configmaps');
  const { page } = dashboard;
  const problem = async () => page.getByTestId('edit-problem').innerText();
  await review(dashboard, 'just words');
  await until('the failure', async () => (await problem()).includes(UNLOADED));
  await dashboard.shoot('modules-no-yaml');
  assert.equal(await page.getByTestId('editor').inputValue(), 'just words');
  cpSync(join(directory, 'yaml_bg.wasm'), join(partial, 'yaml_bg.wasm'));
  await page.getByTestId('review').click();
  await until('that it is no object', async () => (await problem()).includes('Not an object'));
});
