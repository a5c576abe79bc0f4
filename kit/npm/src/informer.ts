// One informer of the engine, as one user of it sees it.
import './dispose.js';
import { type Caller, forgetDrop, pinned, tell, whenDropped } from './caller.js';
import { ClosedError, ConfigError, errorOf, type Failure, PortolanError } from './errors.js';
import { Feed } from './feed.js';
import { type Gvr, type KubernetesObject, namedOf } from './kubernetes.js';
import { callable, notify, onAbort, waitFor } from './listeners.js';
import { optionsOf } from './options.js';

/** Which objects of which resource. Two that ask alike share one informer: one watch, one cache. */
export interface InformerOptions {
  gvr: Gvr;
  /** Default: all namespaces. */
  namespace?: string;
  /** Such as `app=web,tier!=cache`. */
  labelSelector?: string;
  /** Such as `spec.nodeName=node-1`. */
  fieldSelector?: string;
}

/** How the cache and the server stand to each other. */
export interface InformerStatus {
  /**
   * `connecting`: nothing has come yet; with an `error` for longer than is usual. `syncing`: the first objects are coming. `live`: the cache is complete and a watch
   * keeps it current. `stale`: it is complete as of some time ago. `retrying`: something failed, see `error`, and is tried
   * again. `ended`: nothing more comes, and `error` says why.
   */
  phase: 'connecting' | 'syncing' | 'live' | 'stale' | 'retrying' | 'ended';
  /** Whether the cache was complete once: it may be read. */
  synced: boolean;
  /** Why it is not live, if something failed or the server keeps silent. */
  error?: PortolanError;
  /** How many times something has failed. */
  errors: number;
  /** How many times everything was listed anew. */
  relists: number;
  /** What the open watch goes over. */
  watching?: 'socket' | 'http';
  /** What is shown was kept by an earlier run at this time, and the server has not been heard of since. See `warmStart`. */
  asOf?: Date;
}

/** An object of the cache: its identity at once, its content decoded when `object` is first read. */
export class Entry<T = KubernetesObject> {
  #json: string;
  #object: T | undefined;

  /** @internal */
  constructor(
    /** `namespace/name`, or `name` of a cluster-scoped object. */
    readonly key: string,
    /** Its identity: a deleted and recreated object has another. */
    readonly uid: string,
    readonly resourceVersion: string,
    json: string,
  ) {
    this.#json = json;
  }

  /** The namespace, "" of a cluster-scoped object. */
  get namespace(): string {
    return this.key.includes('/') ? this.key.slice(0, this.key.indexOf('/')) : '';
  }

  get name(): string {
    return this.key.slice(this.key.indexOf('/') + 1);
  }

  /** The object. Do not change it: others see the same. */
  get object(): T {
    return (this.#object ??= JSON.parse(this.#json) as T);
  }

  /** Its JSON, as the server sent it but for `managedFields`. */
  get json(): string {
    return this.#json;
  }
}

/** What an informer tells of objects, in order; of a slow listener, of each object the newest alone. */
export type InformerEvent<T = KubernetesObject> =
  | { type: 'add' | 'update' | 'delete'; entry: Entry<T> }
  /** Everything that was there at the beginning has been told. */
  | { type: 'synced' };

/** The listeners of an informer, by name. */
export interface InformerListeners<T> {
  /** An object is there that was not. */
  add: (entry: Entry<T>) => void;
  /**
   * An object has changed. Also told of one that has not, with the same `resourceVersion`, when everything was listed anew, as
   * by client-go; see `relists`.
   */
  update: (entry: Entry<T>) => void;
  /** An object has gone; this is its last state, or the last one known. */
  delete: (entry: Entry<T>) => void;
  /** Every `add` of what was there at the beginning has been told. */
  synced: () => void;
  /** Something failed; the informer tries again by itself, unless its phase is `ended`. */
  error: (error: PortolanError) => void;
  /** It stands otherwise than before. */
  status: (status: InformerStatus) => void;
}

type Name = keyof InformerListeners<unknown>;
const NAMES: readonly Name[] = ['add', 'update', 'delete', 'synced', 'error', 'status'];
type Told<T> = InformerEvent<T> | { type: 'status'; status: InformerStatus };

/**
 * A cache of some objects of one resource, kept current by one watch; client-go's shared informer. It runs from when it is
 * made until it is closed, or dropped without listeners; the engine keeps one for all who ask alike. Once closed, it fails
 * whatever is asked of it with a ClosedError.
 */
export class Informer<T = KubernetesObject> implements AsyncIterable<InformerEvent<T>>, Disposable {
  readonly #caller: Caller;
  readonly #options: InformerOptions;
  readonly #watch: number;
  readonly #listening = new Set<Listening<T>>();
  #fresh: Listening<T> | undefined;
  #status: InformerStatus = { phase: 'connecting', synced: false, errors: 0, relists: 0 };
  /** Why the engine has given it up. */
  #failure: PortolanError | undefined;
  readonly #closed = new AbortController();

  /** @internal */
  constructor(caller: Caller, options: InformerOptions) {
    this.#caller = caller;
    this.#options = asked(options);
    const self = new WeakRef(this);
    const watch = watchCall<T>(caller, this.#options, false, (told) => tell(self.deref(), (informer) => informer.#told(told)), (error) => tell(self.deref(), (informer) => informer.#failed(error)));
    this.#watch = watch.id;
    whenDropped(this, watch.cancel);
  }

  /** How the cache and the server stand to each other. */
  get status(): InformerStatus {
    return this.#status;
  }

  /**
   * Adds a listener. Those of objects are first told of everything that is there, whenever they are added; those added in
   * one go are told in one order. It stays until `signal` is aborted, `off`, or the informer is closed.
   */
  on<N extends Name>(name: N, listener: InformerListeners<T>[N], options: { signal?: AbortSignal } = {}): this {
    const { signal } = optionsOf(options);
    this.#closed.signal.throwIfAborted();
    if (!NAMES.includes(name)) throw new TypeError(`an informer has no event ${JSON.stringify(name)}, but ${NAMES.join(', ')}`);
    callable(listener);
    if (signal?.aborted) return this;
    if (!this.#fresh) {
      const fresh = new Listening<T>();
      this.#fresh = fresh;
      this.#listening.add(fresh);
      pinned.add(this);
      queueMicrotask(() => {
        if (this.#fresh === fresh) this.#fresh = undefined;
        if (this.#listening.has(fresh)) this.#begin(fresh);
      });
    }
    this.#fresh.add(name, listener as (what?: unknown) => void, onAbort(signal, () => this.off(name, listener)));
    return this;
  }

  /** Takes a listener off. */
  off<N extends Name>(name: N, listener: InformerListeners<T>[N]): this {
    for (const listening of this.#listening) {
      if (!listening.remove(name, listener as (what?: unknown) => void)) continue;
      listening.end();
      this.#listening.delete(listening);
      if (this.#fresh === listening) this.#fresh = undefined;
    }
    if (this.#listening.size === 0) pinned.delete(this);
    return this;
  }

  /** Resolves once the cache is complete. Fails when it cannot be, and with the reason of a signal that is aborted. */
  async synced(options: { signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = optionsOf(options);
    this.#closed.signal.throwIfAborted();
    signal?.throwIfAborted();
    if (this.#status.synced) return;
    if (this.#failure) throw this.#failure;
    await waitFor<void>([signal, this.#closed.signal], (resolve, reject, over) => {
      this.on('synced', resolve, { signal: over });
      this.on('error', (error) => this.#failure && reject(error), { signal: over });
    });
  }

  /** The object of this key (`namespace/name`, or `name`), once the cache is complete. */
  async get(key: string, options: { signal?: AbortSignal } = {}): Promise<T | undefined> {
    return (await this.#read({ key }, options))[0];
  }

  /** All objects, or those whose labels `labels` selects, once the cache is complete. */
  async list(options: { labels?: string; signal?: AbortSignal } = {}): Promise<T[]> {
    return this.#read({ labels: optionsOf(options, "{ labels: 'app=web' }").labels }, options);
  }

  /**
   * The objects that have `value` at `path` (`spec.nodeName`, `spec.containers[*].image`), once the cache is complete. The
   * first read makes the index.
   */
  byIndex(path: string, value: string, options: { signal?: AbortSignal } = {}): Promise<T[]> {
    return this.#read({ index: [path, value] }, options);
  }

  /** Everything that is there, then what happens, for a `for await`. */
  [Symbol.asyncIterator](): Feed<InformerEvent<T>> {
    return this.events();
  }

  /** The same, until `signal` is aborted. */
  events(options: { signal?: AbortSignal } = {}): Feed<InformerEvent<T>> {
    const { signal } = optionsOf(options);
    this.#closed.signal.throwIfAborted();
    const reader = new Reader<T>();
    return new Feed<InformerEvent<T>>(
      this.#caller,
      { operation: 'watch', settings: () => ({ ...this.#options, events: true }), repeats: true },
      (payload) => reader.read(payload as unknown[]).filter((told) => told.type !== 'status'),
      { signal, again: () => reader.again() },
    );
  }

  /** Ends it for this user of it: whoever waits for it is told a ClosedError. */
  close(): void {
    this.#closed.abort(new ClosedError('the informer is closed'));
    this.#caller.cancel(this.#watch);
    forgetDrop(this);
    for (const listening of this.#listening) listening.end();
    this.#listening.clear();
    pinned.delete(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #read(what: object, options: { signal?: AbortSignal }): Promise<T[]> {
    const { signal } = optionsOf(options);
    this.#closed.signal.throwIfAborted();
    const found = await this.#caller.ask<string[]>('cached', { ...this.#options, ...what }, { signal, repeats: true });
    return found.map((json) => JSON.parse(json) as T);
  }

  #begin(listening: Listening<T>): void {
    const { cancel } = watchCall<T>(this.#caller, this.#options, listening.wantsObjects(), (told) => listening.tell(told), (error) => this.#failed(error));
    listening.cancel = cancel;
  }

  #told(told: Told<T>): void {
    if (told.type === 'status') this.#status = told.status;
  }

  /** The engine has given it up: there is no such resource, or the client was closed. */
  #failed(error: unknown): void {
    const failure = error instanceof PortolanError ? error : new PortolanError(String(error));
    this.#failure = failure;
    this.#status = { ...this.#status, phase: 'ended', error: failure };
    for (const listening of this.#listening) listening.fail(failure);
    pinned.delete(this);
  }
}

/** Those listeners of an informer that were added in one go. */
class Listening<T> {
  /** Each with what is called when it is not told any more. */
  readonly #listeners = new Map<Name, Map<(what?: unknown) => void, () => void>>();
  #errors = 0;
  #failure: PortolanError | undefined;
  cancel: (() => void) | undefined;

  add(name: Name, listener: (what?: unknown) => void, forget: () => void): void {
    const those = this.#listeners.get(name) ?? new Map();
    this.#listeners.set(name, those.set(listener, forget));
  }

  /** Whether that was the last one. */
  remove(name: Name, listener: (what?: unknown) => void): boolean {
    const those = this.#listeners.get(name);
    if (!those?.has(listener)) return false;
    those.get(listener)?.();
    those.delete(listener);
    if (those.size === 0) this.#listeners.delete(name);
    return this.#listeners.size === 0;
  }

  end(): void {
    this.cancel?.();
    for (const those of this.#listeners.values()) for (const forget of those.values()) forget();
  }

  wantsObjects(): boolean {
    return (['add', 'update', 'delete'] as const).some((name) => this.#listeners.has(name));
  }

  tell(told: Told<T>): void {
    if (told.type === 'status') {
      const { error, errors } = told.status;
      this.#call('status', told.status);
      if (error && errors !== this.#errors) this.#call('error', error);
      this.#errors = errors;
    } else if (told.type === 'synced') this.#call('synced');
    else this.#call(told.type, told.entry);
  }

  fail(error: PortolanError): void {
    if (this.#failure === error) return;
    this.#failure = error;
    this.#call('error', error);
  }

  #call(name: Name, what?: unknown): void {
    for (const listener of [...(this.#listeners.get(name)?.keys() ?? [])]) notify(listener, what);
  }
}

/** Reads an engine's messages. After the engine was lost it tells what differs, for the new one begins with everything. */
class Reader<T> {
  readonly #known = new Map<string, string>();
  #unseen: Map<string, string> | undefined;
  #synced = false;

  again(): void {
    this.#unseen = new Map(this.#known);
  }

  read(message: unknown[]): Told<T>[] {
    const told: Told<T>[] = [];
    if (message[0] === 'status') return [{ type: 'status', status: statusOf(message[1] as string) }];
    if (message[0] === 'synced') {
      for (const [key, version] of this.#unseen ?? []) {
        this.#known.delete(key);
        const [uid, resourceVersion] = version.split(' ') as [string, string];
        told.push({ type: 'delete', entry: new Entry(key, uid, resourceVersion, lastKnown(key, uid, resourceVersion)) });
      }
      this.#unseen = undefined;
      if (!this.#synced) told.push({ type: 'synced' });
      this.#synced = true;
      return told;
    }
    for (let at = 0; at < message.length; at += 5) {
      const [type, key, uid, version, json] = message.slice(at, at + 5) as ['add' | 'update' | 'delete', string, string, string, string];
      const entry = new Entry<T>(key, uid, version, json);
      const before = this.#known.get(key);
      const now = `${uid} ${version}`;
      if (type === 'delete') this.#known.delete(key);
      else this.#known.set(key, now);
      if (this.#unseen?.delete(key) && type === 'add') {
        // Told before the engine was lost.
        if (before !== now) told.push({ type: 'update', entry });
      } else told.push({ type, entry });
    }
    return told;
  }
}

/** What is left of an object that went while no engine ran. */
function lastKnown(key: string, uid: string, resourceVersion: string): string {
  const name = key.slice(key.indexOf('/') + 1);
  const namespace = key.includes('/') ? { namespace: key.slice(0, key.indexOf('/')) } : {};
  return JSON.stringify({ metadata: { name, ...namespace, uid, resourceVersion } });
}

/** The status as the engine tells it. @internal */
export function statusOf(told: string | object): InformerStatus {
  const { error, watching, asOf, ...status } = (typeof told === 'string' ? JSON.parse(told) : told) as Standing;
  return { ...status, ...(error && { error: errorOf(error) }), ...(watching && { watching }), ...(asOf !== null && { asOf: new Date(asOf) }) };
}

type Standing = Omit<InformerStatus, 'error' | 'asOf'> & { error: Failure | null; asOf: number | null };

/** The options as they cross. @internal */
export function asked(options: InformerOptions): InformerOptions {
  const { gvr, namespace, labelSelector, fieldSelector } = optionsOf(options, "{ gvr: 'v1/pods' }");
  const texts = { namespace: namespace ?? '', labelSelector: labelSelector ?? '', fieldSelector: fieldSelector ?? '' };
  for (const [name, text] of Object.entries(texts)) if (typeof text !== 'string') throw new ConfigError(`\`${name}\` is a string`);
  return { gvr: namedOf(gvr), ...texts };
}

/** Watches in the engine. */
function watchCall<T>(caller: Caller, options: InformerOptions, events: boolean, told: (told: Told<T>) => void, fail: (error: unknown) => void): { id: number; cancel: () => void } {
  const reader = new Reader<T>();
  let over = false;
  const id: number = caller.start({
    operation: 'watch',
    settings: () => ({ ...options, events }),
    repeats: true,
    receiver: {
      next: (payload) => {
        for (const one of reader.read(payload as unknown[])) if (!over) told(one);
        caller.read(id);
      },
      done: () => {},
      fail,
      again: () => reader.again(),
    },
  });
  return {
    id,
    cancel: () => {
      over = true;
      caller.cancel(id);
    },
  };
}
