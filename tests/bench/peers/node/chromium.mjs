// A page in Chromium: opens it, has it get in sync, and tells how long that took, what the renderer holds afterwards, and
// what the main thread was busy with, by Chromium's own trace.

import { launch, openPage } from '../../../browser/chromium.mjs';
import { settledMemory } from '../../../browser/memory.mjs';
import { mainThreadTasks } from '../../../browser/trace.mjs';
import { say, settings } from './contestant.mjs';

const browser = await launch();
try {
  say({ did: 'all', ...(await measure()) });
} finally {
  await browser.close();
}

async function measure() {
  const page = await openPage(browser, `${settings.server}/portolan/index.html?contestant=${settings.contestant}`);
  await page.waitForFunction(() => document.title === 'ready');
  let synced;
  const tasks = await mainThreadTasks(browser, page, async () => {
    synced = await page.evaluate(async (objects) => {
      const began = performance.now();
      globalThis.held = await sync(objects);
      return { wall: (performance.now() - began) / 1e3, objects: held.objects };
    }, Number(settings.objects));
  });
  if (synced.objects !== Number(settings.objects)) throw new Error(`it holds ${synced.objects} objects\n${page.said.join('\n')}`);
  const pss = await settledMemory(browser, page);
  // Of so many tasks this is the longest but one in a thousand.
  const usual = tasks[Math.floor(tasks.length / 1000)] ?? 0;
  return {
    proof: await page.evaluate(() => held.prove()),
    values: { sync_wall: synced.wall, pss: pss / 1e6, task_longest: tasks[0] ?? 0, task_usual: usual },
    settings: `Chromium ${browser.version()}; ${tasks.length} tasks of the main thread, in processor time`,
  };
}
