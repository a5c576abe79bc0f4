// What runs in a worker: a session for each tab that says hello, until it says goodbye or its lock is free.
import type { Failure } from './errors.js';
import { open, type Opened } from './host.js';
import { obey, type Said } from './link.js';
import { type Answer, type Hello, hold, holdRunning } from './worker-link.js';

interface Port {
  postMessage(message: Answer): void;
  onmessage: ((event: MessageEvent<Hello | Said | 'bye'>) => void) | null;
}

const isShared = 'onconnect' in globalThis;
const own = isShared ? holdRunning(navigator.locks, self.name) : hold(navigator.locks);

function serve(port: Port): void {
  let opened: Opened | undefined;
  let over = false;
  const close = () => {
    over = true;
    opened?.close();
    opened = undefined;
  };
  port.onmessage = async ({ data }) => {
    if (data === 'bye') return close();
    if (Array.isArray(data)) return opened && obey(opened.session, data);
    // Granted only when the tab has gone, however that came.
    void navigator.locks.request(data.lock, close).catch(() => {});
    try {
      await own.taken;
      const made = await open(data.settings, undefined, (...told) => port.postMessage(told), (message) => {
        port.postMessage(['panicked', message]);
        // A new worker begins anew; nothing of this one can be trusted.
        setTimeout(() => self.close());
      });
      if (over) return made.close();
      opened = made;
      port.postMessage(['ready', own.name]);
    } catch (error) {
      port.postMessage(['refused', failureOf(error)]);
    }
  };
}

// What the engine could not even report, such as a stack that overflowed: its tabs see it end.
for (const name of ['error', 'unhandledrejection']) {
  addEventListener(name, (event) => {
    const { error, reason } = event as unknown as { error?: unknown; reason?: unknown };
    if ((error ?? reason) instanceof WebAssembly.RuntimeError) self.close();
  });
}

function failureOf(error: unknown): Failure {
  if (typeof error === 'string') return JSON.parse(error) as Failure;
  return { kind: 'other', message: `the engine did not start: ${error instanceof Error ? error.message : String(error)}` };
}

if (isShared) {
  (globalThis as unknown as { onconnect: (event: MessageEvent) => void }).onconnect = ({ ports: [port] }) => serve(port as unknown as Port);
} else {
  serve(globalThis as unknown as Port);
}
