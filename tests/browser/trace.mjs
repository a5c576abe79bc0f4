// What the main thread of a page was busy with, by Chromium's own trace: in processor time, which other programs on the
// machine do not stretch.

const CATEGORIES = ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline', 'v8.execute'];

/** What a task that runs script or wasm has within it: a module evaluated, a callback, or what awaited a promise. */
const SCRIPT = ['EvaluateScript', 'v8.evaluateModule', 'FunctionCall', 'RunMicrotasks'];

/** Traces `page` while `work` runs; returns the processor time of each task of its main thread, in ms, the longest first. */
export async function mainThreadTasks(browser, page, work) {
  return (await tasksOf(browser, page, ['CrRendererMain'], work))[0].tasks;
}

/**
 * The same of several kinds of threads, by Chromium's names for them; of each kind the busiest thread, with all its `tasks` and
 * the `slices` alone that ran script: most others are thousands of next to nothing.
 */
export async function tasksOf(browser, page, kinds, work) {
  const events = await traced(browser, page, work);
  return kinds.map((kind) => {
    const tasks = busiest(events, kind);
    return { tasks: times(tasks), slices: times(tasks.filter((task) => task.script)) };
  });
}

async function traced(browser, page, work) {
  await browser.startTracing(page, { categories: CATEGORIES });
  await work();
  return JSON.parse((await browser.stopTracing()).toString()).traceEvents;
}

/** The tasks of the busiest thread of `kind`: of several renderers it is the page's. */
function busiest(events, kind) {
  const threads = events.filter(({ name, args }) => name === 'thread_name' && args.name === kind);
  return threads.map((thread) => tasksOfThread(events, thread)).sort((a, b) => sum(times(b)) - sum(times(a)))[0] ?? [];
}

/** Each task's processor time, in ms, and whether script ran in it. */
function tasksOfThread(events, { pid, tid }) {
  const own = events.filter((event) => event.pid === pid && event.tid === tid && event.ph === 'X').sort((a, b) => a.ts - b.ts);
  // The category that has them is not the same in every version; nested ones are parts of others.
  const named = ['RunTask', 'ThreadControllerImpl::RunTask'].map((name) => own.filter((event) => event.name === name));
  const tasks = named.find((events) => events.length > 0) ?? [];
  const script = own.filter(({ name }) => SCRIPT.includes(name));
  let next = 0;
  return tasks.map(({ ts, dur = 0, tdur = 0 }) => {
    while (next < script.length && script[next].ts < ts) next += 1;
    return { time: tdur / 1000, script: next < script.length && script[next].ts < ts + dur };
  });
}

/** The times of `tasks`, the longest first. */
const times = (tasks) => tasks.map(({ time }) => time).sort((a, b) => b - a);

const sum = (tasks) => tasks.reduce((sum, task) => sum + task, 0);

/** The longest tasks, their sum, and how many took longer than a frame at 60 Hz, in words. */
export function described(tasks) {
  const long = tasks.filter((task) => task > 16.7).length;
  return `${tasks.length} tasks, ${sum(tasks).toFixed(0)} ms of processor time; the longest ${tasks.slice(0, 3).map((task) => task.toFixed(1)).join(', ')} ms; ${long} longer than a frame`;
}
