// Telling listeners, and waiting for what they are told.

const reportError: (error: unknown) => void =
  globalThis.reportError ?? ((error) => queueMicrotask(() => {
    throw error;
  }));

/** Refuses what can never be called. @internal */
export function callable(listener: unknown): void {
  if (typeof listener !== 'function') throw new TypeError(`a listener is a function, not ${listener === null ? 'null' : typeof listener}`);
}

/** Calls a listener. As with any event target: the others are told all the same, and its failure is the page's own. @internal */
export function notify<A extends unknown[]>(listener: (...what: A) => void, ...what: A): void {
  try {
    listener(...what);
  } catch (error) {
    reportError(error);
  }
}

/**
 * Calls `then` once `signal` is aborted, unless what this returns is called before. @internal
 *
 * Not by the `signal` that addEventListener takes: of several for one target, Node lets all but the last be collected.
 */
export function onAbort(signal: AbortSignal | undefined, then: () => void): () => void {
  signal?.addEventListener('abort', then, { once: true });
  return () => signal?.removeEventListener('abort', then);
}

/** What `begin` resolves with, unless one of `stops` is aborted before. Whatever listens meanwhile listens until `over`. @internal */
export async function waitFor<T>(
  stops: (AbortSignal | undefined)[],
  begin: (resolve: (what: T) => void, reject: (error: unknown) => void, over: AbortSignal) => void,
): Promise<T> {
  const own = new AbortController();
  const forget: (() => void)[] = [];
  try {
    return await new Promise<T>((resolve, reject) => {
      for (const stop of stops) {
        stop?.throwIfAborted();
        forget.push(onAbort(stop, () => reject(stop?.reason)));
      }
      begin(resolve, reject, own.signal);
    });
  } finally {
    own.abort();
    for (const one of forget) one();
  }
}
