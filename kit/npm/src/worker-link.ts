// The way to an engine in a worker, shared by all tabs of the origin or the page's own.
//
// Each end holds a Web Lock that the other waits for: the one sign that tells of a close, a navigation and a crash alike.
import { errorOf, type Failure, PortolanError } from './errors.js';
import type { Send } from './host.js';
import type { Link, Said } from './link.js';
import type { Mode, Settings } from './settings.js';
import { VERSION } from './version.js';

/** What a tab says first. @internal */
export interface Hello {
  settings: Settings;
  /** The lock that the tab holds as long as it lives. */
  lock: string;
}

/** What a worker says. @internal */
export type Answer =
  | ['ready', lock: string]
  | ['refused', failure: Failure]
  | ['panicked', message: string]
  | Parameters<Send>;

/** How long a worker may take to answer: one whose files cannot be had does not. */
const PATIENCE = 10_000;

/**
 * Opens a link to a worker. Fails with the engine's refusal, or with `undefined` where there is no such worker to be had. `ended` is the
 * lock of the one that was lost: a shared worker that closes itself is still found by its name, and says nothing to whoever finds it
 * then, so that the next has another name, the same to all who lost it. @internal
 */
export async function openWorker(mode: 'shared' | 'dedicated', settings: Settings, send: Send, lost: (why: string, lock?: string) => void, ended: string | undefined): Promise<Link> {
  const locks = globalThis.navigator?.locks;
  if (!locks) throw undefined;
  const { port, stop } = start(mode, await nameOf(locks, ended));
  const held = hold(locks);
  let over = false;
  const waiting = new AbortController();
  const close = () => {
    over = true;
    waiting.abort();
    held.release();
    port.postMessage('bye');
    stop();
  };
  try {
    const lock = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(undefined), PATIENCE);
      const answered = () => clearTimeout(timer);
      port.onmessage = ({ data }: MessageEvent<Answer>) => {
        answered();
        if (data[0] === 'ready') resolve(data[1]);
        else if (data[0] === 'refused') reject(errorOf(data[1]));
        else reject(undefined);
      };
      port.onfailure = () => {
        answered();
        reject(undefined);
      };
      void held.taken.then(() => port.postMessage({ settings, lock: held.name } satisfies Hello));
    });
    const gone = (why: string) => {
      if (over) return;
      close();
      lost(why, lock);
    };
    port.onmessage = ({ data }: MessageEvent<Answer>) => {
      if (data[0] === 'panicked') gone(data[1]);
      else send(...(data as Parameters<Send>));
    };
    // Granted only when the worker has ended, however that came.
    void locks.request(lock, { signal: waiting.signal }, () => gone('the worker ended')).catch(() => {});
    return { mode, say: (said: Said) => port.postMessage(said), close };
  } catch (error) {
    close();
    throw error;
  }
}

interface Port {
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent<Answer>) => void) | null;
  onfailure: () => void;
}

/** Tabs that were loaded from another version of this package do not speak to its worker. */
const NAME = `portolan ${VERSION}`;
const RUNS = 'runs: ';

/** The shared worker's name: that of the one that runs, else of the one after `ended`. */
async function nameOf(locks: LockManager, ended: string | undefined): Promise<string> {
  const { held = [] } = await locks.query();
  const running = held.find(({ name = '' }) => name.startsWith(`${RUNS}${NAME}`) && name !== ended)?.name;
  if (running) return running.slice(RUNS.length, running.lastIndexOf(' portolan '));
  return ended ? `${NAME} after ${ended.slice(ended.lastIndexOf(' ') + 1)}` : NAME;
}

/** Starts a worker, or finds the one that is there. */
function start(mode: Exclude<Mode, 'page'>, name: string): { port: Port; stop(): void } {
  try {
    if (mode === 'shared') {
      const worker = new SharedWorker(new URL('./worker.js', import.meta.url), { type: 'module', name });
      const port = worker.port as unknown as Port;
      worker.onerror = () => port.onfailure?.();
      worker.port.start();
      return { port, stop: () => setTimeout(() => worker.port.close()) };
    }
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'portolan' });
    const port = worker as unknown as Port;
    worker.onerror = () => port.onfailure?.();
    return { port, stop: () => worker.terminate() };
  } catch {
    // The browser has none, or the page's policy forbids it.
    throw undefined;
  }
}

/** Holds the lock by which tabs find the shared worker called `name`. @internal */
export const holdRunning = (locks: LockManager, name: string) => hold(locks, `${RUNS}${name} `);

/** Holds a lock of a name that nobody else has, until it is released or this context ends. @internal */
export function hold(locks: LockManager, prefix = ''): { name: string; taken: Promise<void>; release(): void } {
  const name = `${prefix}portolan ${crypto.randomUUID()}`;
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const taken = new Promise<void>((resolve, reject) => {
    locks.request(name, () => {
      resolve();
      return released;
    }).catch((error: unknown) => reject(new PortolanError(`no lock can be had: ${String(error)}`)));
  });
  return { name, taken, release };
}
