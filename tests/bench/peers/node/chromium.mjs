// A page in Chromium: opens it, has it get in sync, and tells how long that took and what the renderer holds afterwards;
// and of another page what its main thread was busy with, by Chromium's own trace.

import { launch, openPage } from '../../../browser/chromium.mjs';
import { settledMemory } from '../../../browser/memory.mjs';
import { tasksOf } from '../../../browser/trace.mjs';
import { say, settings } from './contestant.mjs';

const browser = await launch();
try {
  say({ did: 'all', ...(await measure()) });
} finally {
  await browser.close();
}

async function measure() {
  const page = await opened();
  const wall = await synced(page);
  const pss = await settledMemory(browser, page);
  const proof = await page.evaluate(() => held.prove());
  await page.context().close();
  // In a page of its own: a trace takes time, and up to 20 MB of the renderer.
  const traced = await opened();
  const [{ tasks, slices }] = await tasksOf(browser, traced, ['CrRendererMain'], () => synced(traced));
  // The longest but one in a thousand of those that ran script: of all tasks, nearly all only move messages.
  const usual = slices[Math.floor(slices.length / 1000)] ?? 0;
  return {
    proof,
    values: { sync_wall: wall, pss: pss / 1e6, task_longest: tasks[0] ?? 0, task_usual: usual },
    settings: `Chromium ${browser.version()}; ${tasks.length} tasks of the main thread, of which ${slices.length} ran script, in processor time`,
  };
}

/** The contestant's page, which waits for its start. */
async function opened() {
  const page = await openPage(browser, `${settings.server}/portolan/index.html?contestant=${settings.contestant}`);
  await page.waitForFunction(() => document.title === 'ready');
  return page;
}

/** Has `page` get in sync; how long that took, in seconds. */
async function synced(page) {
  const { wall, objects } = await page.evaluate(async (objects) => {
    const began = performance.now();
    globalThis.held = await sync(objects);
    return { wall: (performance.now() - began) / 1e3, objects: held.objects };
  }, Number(settings.objects));
  if (objects !== Number(settings.objects)) throw new Error(`it holds ${objects} objects\n${page.said.join('\n')}`);
  return wall;
}
