// The calls of one client: numbered, answered, taken back, and made anew when the engine they ran in has gone.
//
// Nothing that only waits is kept alive: a link knows its caller weakly, and what must live on is in `pinned`.
import { ClosedError, ConnectionError, errorOf, type Failure, PortolanError, UnsupportedError } from './errors.js';
import { type Link, openHere } from './link.js';
import { onAbort } from './listeners.js';
import type { Functions, Mode, Settings } from './settings.js';
import { openWorker } from './worker-link.js';

/** Who is told what comes of a call. @internal */
export interface Receiver {
  next?(payload: unknown): void;
  done(payload: unknown): void;
  fail(error: unknown): void;
  /** The engine has gone; the call is made again. */
  again?(): void;
}

/** A call in the making. @internal */
export interface Call {
  operation: string;
  /** Asked for each time the call is made: what is wanted may have changed since. */
  settings: () => unknown;
  /** Whether it can be made again when the engine has gone: it changes nothing, or begins anew. */
  repeats: boolean;
  receiver: Receiver;
}

/** How often an engine may be lost before it is given up: so many times within so many milliseconds. */
const LOSSES = 5;
const WITHIN = 60_000;

/** What must live although only itself refers to it: who has listeners or waits. @internal */
export const pinned = new Set<object>();

const unreachable = new FinalizationRegistry<() => void>((end) => end());

/** Calls `end` once nothing refers to `handle` any more; `end` must not refer to it either. @internal */
export function whenDropped(handle: object, end: () => void): void {
  unreachable.register(handle, end, handle);
}

/** Not any more. @internal */
export function forgetDrop(handle: object): void {
  unreachable.unregister(handle);
}

/** @internal */
export class Caller {
  readonly #settings: Settings;
  readonly #functions: Functions | undefined;
  readonly #mode: Mode | undefined;
  readonly #calls = new Map<number, Call & { pushed: unknown[] }>();
  /** The link, where a finalizer can reach it when the caller itself has gone. */
  readonly #held: { link?: Link | undefined; closed: boolean } = { closed: false };
  #opening: Promise<Link> | undefined;
  #losses: number[] = [];
  /** The lock of the worker that was lost last. */
  #ended: string | undefined;
  /** How many wait for an answer. */
  #waiting = 0;
  #last = 0;

  constructor(settings: Settings, functions: Functions | undefined, mode: Mode | undefined) {
    this.#settings = settings;
    this.#functions = functions;
    this.#mode = mode;
    const held = this.#held;
    whenDropped(this, () => {
      held.closed = true;
      held.link?.close();
    });
  }

  /** Where the engine runs, once it does. */
  async mode(): Promise<Mode> {
    return (await this.#open()).mode;
  }

  /** Makes a call; its number is for the other methods. */
  start(call: Call): number {
    const id = (this.#last += 1);
    this.#calls.set(id, { ...call, pushed: [] });
    if (this.#held.closed) queueMicrotask(() => this.#end(id)?.fail(closed()));
    else if (this.#held.link) this.#say(id, call);
    else this.#open().catch(() => {}); // Each call is told of the failure itself.
    return id;
  }

  /** A call with one answer. */
  ask<T>(operation: string, settings: unknown, { signal, repeats = false }: { signal?: AbortSignal | undefined; repeats?: boolean } = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      pinned.add(this);
      this.#waiting += 1;
      const settle = (outcome: () => void) => {
        forget();
        if ((this.#waiting -= 1) === 0) pinned.delete(this);
        outcome();
      };
      const id = this.start({
        operation,
        settings: () => settings,
        repeats,
        receiver: { done: (answer) => settle(() => resolve(answer as T)), fail: (error) => settle(() => reject(error)) },
      });
      const forget = onAbort(signal, () => {
        this.cancel(id);
        settle(() => reject(signal?.reason));
      });
    });
  }

  /** Hands something to a running call. */
  push(id: number, what: unknown): void {
    if (this.#held.link) this.#held.link.say(['push', id, what]);
    else this.#calls.get(id)?.pushed.push(what);
  }

  /** Says that one message of a call was read. */
  read(id: number): void {
    this.#held.link?.say(['read', id]);
  }

  /** Takes a call back: nothing is told of it any more. */
  cancel(id: number): void {
    if (this.#end(id)) this.#held.link?.say(['cancel', id]);
  }

  /** Ends everything: calls that run fail. */
  close(): void {
    forgetDrop(this);
    this.#held.closed = true;
    this.#held.link?.close();
    this.#held.link = undefined;
    this.#failAll(() => true, closed());
    pinned.delete(this);
  }

  #end(id: number): Receiver | undefined {
    const receiver = this.#calls.get(id)?.receiver;
    this.#calls.delete(id);
    return receiver;
  }

  #say(id: number, call: Call): void {
    this.#held.link?.say(['call', id, call.operation, JSON.stringify(call.settings())]);
  }

  #open(): Promise<Link> {
    if (this.#held.closed) return Promise.reject(closed());
    this.#opening ??= this.#connect().catch((error: unknown) => {
      this.#opening = undefined;
      this.#failAll(() => true, error);
      throw error;
    });
    return this.#opening;
  }

  async #connect(): Promise<Link> {
    const self = new WeakRef(this);
    const held = this.#held;
    const link = await openLink(
      this.#settings,
      this.#functions,
      this.#mode,
      (...told) => tell(self.deref(), (caller) => caller.#told(...told)),
      (why, lock) => tell(self.deref(), (caller) => caller.#lost(why, lock)),
      this.#ended,
    );
    if (held.closed) {
      link.close();
      throw closed();
    }
    held.link = link;
    for (const [id, call] of this.#calls) {
      this.#say(id, call);
      for (const what of call.pushed.splice(0)) link.say(['push', id, what]);
    }
    return link;
  }

  #told(id: number, kind: 'next' | 'done' | 'fail', payload: unknown): void {
    if (kind === 'next') this.#calls.get(id)?.receiver.next?.(payload);
    else if (kind === 'done') this.#end(id)?.done(payload);
    else this.#end(id)?.fail(errorOf(JSON.parse(payload as string) as Failure));
  }

  #lost(why: string, lock: string | undefined): void {
    this.#ended = lock;
    this.#held.link = undefined;
    this.#opening = undefined;
    const now = Date.now();
    this.#losses = [...this.#losses.filter((at) => now - at < WITHIN), now];
    const hopeless = this.#losses.length >= LOSSES;
    this.#failAll((call) => hopeless || !call.repeats, new ConnectionError(`the engine ended before it had answered: ${why}`));
    if (this.#calls.size === 0) return;
    for (const { receiver } of this.#calls.values()) receiver.again?.();
    this.#open().catch(() => {});
  }

  #failAll(which: (call: Call) => boolean, error: unknown): void {
    for (const [id, call] of [...this.#calls]) if (which(call)) this.#end(id)?.fail(error);
  }
}

/** Tells what may have been dropped. @internal */
export function tell<H extends object>(handle: H | undefined, what: (handle: H) => void): void {
  if (handle) what(handle);
}

function closed(): ClosedError {
  return new ClosedError('the client is closed');
}

async function openLink(
  settings: Settings,
  functions: Functions | undefined,
  mode: Mode | undefined,
  send: Parameters<typeof openHere>[2],
  lost: Parameters<typeof openWorker>[3],
  ended: string | undefined,
): Promise<Link> {
  for (const one of functions ? (['page'] as const) : mode ? [mode] : (['shared', 'dedicated', 'page'] as const)) {
    try {
      if (one === 'page') return await openHere(settings, functions, send, (why) => lost(why));
      return await openWorker(one, settings, send, lost, ended);
    } catch (error) {
      if (typeof error === 'string') throw errorOf(JSON.parse(error) as Failure);
      if (error instanceof PortolanError) throw error;
      if (error !== undefined) throw new UnsupportedError(`the engine did not start: ${String(error)}`);
    }
  }
  throw new UnsupportedError(`no ${mode} worker can be had: the browser has none, the page's policy forbids it, or its files are not there`);
}
