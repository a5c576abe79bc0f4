// How soon the dashboard shows something, what it is busy with, and what it holds while much changes: figures for a person
// to read, and that the last of them settles.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aroundPages } from './around.mjs';
import { buildDashboard, inMemory } from './dashboard.mjs';
import { moduleMemory, settledMemory } from './memory.mjs';
import { described, mainThreadTasks } from './trace.mjs';

const PER_SECOND = 500;
/** `cargo xtask soak figures` makes it ten minutes. */
const SECONDS = process.env.PORTOLAN_SOAK === 'long' ? 600 : 30;

let browser, directory;

aroundPages(buildDashboard, (made) => ({ browser, directory } = made));

const MB = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/** When the first row was there, in ms since the page began to load. */
const firstRow = async (page) => (await page.waitForFunction(() => globalThis.firstRow)).jsonValue();

/** Runs in the page before all else: notes the frame in which the first row is there. */
function noteFirstRow() {
  const look = () => {
    if (document.querySelector('[data-testid=row]')) globalThis.firstRow = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

test('a page that much changes in settles', async (t) => {
  const query = `source=memory&rate=${PER_SECOND}`;
  const dashboard = await inMemory(t, browser, directory, '#/pods?wire=1', { query, first: noteFirstRow });
  const { page } = dashboard;
  const events = async () => (await dashboard.wire()).reduce((sum, { events }) => sum + events, 0);
  const cold = await firstRow(page);
  await page.reload();
  await dashboard.reaches('live');
  t.diagnostic(`the first row after ${cold.toFixed(0)} ms, and after ${(await firstRow(page)).toFixed(0)} ms when loaded again`);

  const [began, before] = [Date.now(), await events()];
  const tasks = await mainThreadTasks(browser, page, () => page.waitForTimeout(10_000));
  t.diagnostic(`at ${PER_SECOND} events a second for ten seconds: ${described(tasks)}`);
  await page.waitForTimeout(Math.max(0, began + 1000 * SECONDS - Date.now()));
  const heard = (await events()) - before;
  const held = await moduleMemory(page);
  t.diagnostic(`after ${((Date.now() - began) / 1000).toFixed(0)} s and ${heard} events the module holds ${MB(held)}, the renderer ${MB(await settledMemory(browser, page))}`);
  assert.ok(heard > 1000, 'the cluster lives');
  assert.equal(await dashboard.connection(), 'live');
  // Of 160 pods and what the cluster in memory remembers of them: it settles at 21 MB within two minutes.
  assert.ok(held < 30e6, `the module holds ${MB(held)}`);
});
