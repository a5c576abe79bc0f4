// What comes of a call, one after the other, for a `for await`: whoever does not read holds the engine back.
import './dispose.js';
import { type Call, type Caller, forgetDrop, pinned, tell, whenDropped } from './caller.js';
import { ClosedError } from './errors.js';
import { onAbort } from './listeners.js';

/** Who is told beside the reader. @internal */
export interface Told {
  signal?: AbortSignal | undefined;
  /** The engine was lost and everything begins anew. */
  again?: () => void;
  done?: (payload: unknown) => void;
  /** Also when it is closed before its end. */
  failed?: (error: unknown) => void;
}

type Waiting<T> = { resolve(result: IteratorResult<T, undefined>): void; reject(error: unknown): void };

/** An endless or ending sequence. It ends its call when the loop is left, when it is disposed of, and when it is dropped. */
export class Feed<T> implements AsyncIterableIterator<T, undefined>, Disposable {
  readonly #caller: Caller;
  /** The call. @internal */
  readonly id: number;
  readonly #batches: T[][] = [];
  readonly #waiting: Waiting<T>[] = [];
  readonly #failed: ((error: unknown) => void) | undefined;
  /** Takes back what the caller's signal was asked, which may live much longer. */
  readonly #forget: () => void;
  #end: { error?: unknown } | undefined;

  /** @internal */
  constructor(caller: Caller, call: Omit<Call, 'receiver'>, read: (payload: unknown) => T[], { signal, again, done, failed }: Told = {}) {
    this.#caller = caller;
    this.#failed = failed;
    const self = new WeakRef(this);
    const end = (error?: unknown) => tell(self.deref(), (feed) => feed.#over(error === undefined ? {} : { error }));
    const id = caller.start({
      ...call,
      receiver: {
        next: (payload) => tell(self.deref(), (feed) => feed.#take(read(payload))),
        done: (payload) => {
          done?.(payload);
          end();
        },
        fail: (error) => {
          failed?.(error);
          end(error);
        },
        ...(again && { again }),
      },
    });
    this.id = id;
    const abort = () => {
      caller.cancel(id);
      failed?.(signal?.reason);
      end(signal?.reason);
    };
    if (signal?.aborted) queueMicrotask(abort);
    const forget = (this.#forget = onAbort(signal, abort));
    whenDropped(this, () => {
      caller.cancel(id);
      forget();
    });
  }

  /** The next; `done` at the end. */
  next(): Promise<IteratorResult<T, undefined>> {
    const batch = this.#batches[0];
    if (batch) {
      const value = batch.shift() as T;
      if (batch.length === 0) {
        this.#batches.shift();
        this.#caller.read(this.id);
      }
      return Promise.resolve({ value, done: false });
    }
    if (this.#end) {
      const { error } = this.#end;
      this.#end = {}; // Told once.
      return error === undefined ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(error);
    }
    pinned.add(this);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Ends it. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.close();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** Ends it: whoever waits for the next is told that there is none. */
  close(): void {
    this.#caller.cancel(this.id);
    this.#batches.length = 0;
    this.#failed?.(new ClosedError('it was closed before its end'));
    this.#over({});
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(batch: T[]): void {
    if (batch.length === 0) return this.#caller.read(this.id);
    this.#batches.push(batch);
    while (this.#batches.length > 0) {
      const waiting = this.#waiting.shift();
      if (!waiting) break;
      void this.next().then(waiting.resolve, waiting.reject);
    }
    if (this.#waiting.length === 0) pinned.delete(this);
  }

  #over(end: { error?: unknown }): void {
    if (this.#end) return;
    this.#end = end;
    forgetDrop(this);
    this.#forget();
    for (const waiting of this.#waiting.splice(0)) void this.next().then(waiting.resolve, waiting.reject);
    pinned.delete(this);
  }
}
