// Where engines live: one for each server and user, however many sessions call on it. Runs in a page, a worker or Node.
import init, { Engine, onPanic, type Session } from './engine.js';
import { keeper } from './keeper.js';
import { platform } from './platform.js';
import type { Functions, Settings } from './settings.js';

/** What a session tells: of call `id`, one more message, the last one, or a failure as JSON. @internal */
export type Send = (id: number, kind: 'next' | 'done' | 'fail', payload: unknown) => void;

/** A session and its end. @internal */
export interface Opened {
  session: Session;
  close(): void;
}

interface Running {
  engine: Engine;
  sessions: number;
}

let loading: Promise<unknown> | undefined;
const engines = new Map<string, Running>();
const panicked = new Set<(message: string) => void>();
/** The words of a panic: the module is not to be used any more. */
let dead: string | undefined;

/**
 * Opens a session on the engine for `settings`, which is made when there is none. `lost` is told when the module has
 * panicked: nothing answers any more. Fails with a failure as JSON. @internal
 */
export async function open(settings: Settings, functions: Functions | undefined, send: Send, lost: (message: string) => void): Promise<Opened> {
  if (dead) throw new Error(`it ended by a fault of its own and is not started again in this page (${dead}): load the page anew`);
  loading ??= platform.wasm().then((module_or_path) => init({ module_or_path })).then(() => {
    onPanic((message) => {
      dead = message;
      panicked.forEach((tell) => tell(message));
    });
  });
  try {
    await loading;
  } catch (error) {
    loading = undefined;
    throw error;
  }
  const found = functions ?? { fetch: platform.fetch, webSocket: await platform.webSocket() };
  const own = { ...settings };
  if (!functions && found.webSocket) own.watchOver = 'either';
  const key = JSON.stringify(own);
  let running = functions ? undefined : engines.get(key);
  if (!running) {
    running = { engine: new Engine(key, found.fetch, found.webSocket, keeper()), sessions: 0 };
    if (!functions) engines.set(key, running);
  }
  const held = running;
  held.sessions += 1;
  const session = held.engine.session(send);
  panicked.add(lost);
  return {
    session,
    close() {
      panicked.delete(lost);
      held.sessions -= 1;
      if (dead) return;
      // Not at once: the engine itself may be calling us.
      queueMicrotask(() => session.free());
      setTimeout(() => {
        if (held.sessions > 0 || engines.get(key) !== held && !functions) return;
        if (!functions) engines.delete(key);
        held.engine.free();
      }, functions || !platform.lingers ? 0 : settings.linger);
    },
  };
}
