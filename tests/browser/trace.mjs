// What the main thread of a page was busy with, by Chromium's own trace: in processor time, which other programs on the
// machine do not stretch.

const CATEGORIES = ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'];

/** Traces `page` while `work` runs; returns the processor time of each task of its main thread, in ms, the longest first. */
export async function mainThreadTasks(browser, page, work) {
  return (await tasksOf(browser, page, ['CrRendererMain'], work))[0];
}

/** The same of several kinds of threads, by Chromium's names for them; of each kind the busiest thread. */
export async function tasksOf(browser, page, kinds, work) {
  await browser.startTracing(page, { categories: CATEGORIES });
  await work();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  return kinds.map((kind) => {
    const threads = traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === kind);
    // Of several renderers the busiest is the page's.
    const busy = threads.map((thread) => tasksOfThread(traceEvents, thread));
    return (busy.sort((a, b) => sum(b) - sum(a))[0] ?? []).sort((a, b) => b - a);
  });
}

function tasksOfThread(events, { pid, tid }) {
  const own = events.filter((event) => event.pid === pid && event.tid === tid && event.ph === 'X' && event.name.endsWith('RunTask'));
  // The category that has them is not the same in every version; nested ones are parts of others.
  const names = ['RunTask', 'ThreadControllerImpl::RunTask'].map((name) => own.filter((event) => event.name === name));
  return (names.find((events) => events.length > 0) ?? []).map(({ tdur = 0 }) => tdur / 1000);
}

const sum = (tasks) => tasks.reduce((sum, task) => sum + task, 0);

/** The longest tasks, their sum, and how many took longer than a frame at 60 Hz, in words. */
export function described(tasks) {
  const long = tasks.filter((task) => task > 16.7).length;
  return `${tasks.length} tasks, ${sum(tasks).toFixed(0)} ms of processor time; the longest ${tasks.slice(0, 3).map((task) => task.toFixed(1)).join(', ')} ms; ${long} longer than a frame`;
}
