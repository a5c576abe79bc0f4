// The client: requests on objects, what the server serves, and everything that lasts.
import './dispose.js';
import { Caller } from './caller.js';
import { ConfigError, DecodeError } from './errors.js';
import type { Feed } from './feed.js';
import { Informer, type InformerOptions } from './informer.js';
import { type Discovery, type Gvr, type KubernetesObject, type List, namedOf, type Resource } from './kubernetes.js';
import { type Column, LiveQuery, type LiveQueryOptions } from './live-query.js';
import { optionsOf } from './options.js';
import { type ConnectOptions, milliseconds, type Mode, settingsOf } from './settings.js';
import { Exec, type ExecOptions, type LogOptions, openLogs } from './streams.js';

/** What every call takes. */
export interface CallOptions {
  /** Ends the call; it then fails with the signal's reason. */
  signal?: AbortSignal;
  /** The limit for the call, tries anew and the discovery of its resource included, in milliseconds. Default: none. */
  timeout?: number;
}

/** What a call on one object takes. */
export interface ObjectOptions extends CallOptions {
  /** Default: that of `connect`. Of a cluster-scoped resource it is not used. */
  namespace?: string;
  /** Such as `status` or `scale`. */
  subresource?: string;
}

/** What a call that changes something takes. */
export interface WriteOptions extends ObjectOptions {
  /** Whether to try it only. */
  dryRun?: boolean;
  /** Who is to own the fields that are set. Default: `portolan`. */
  fieldManager?: string;
  fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
}

/** Which objects to list. */
export interface ListOptions extends CallOptions {
  /** Default: all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  /** `metadata.continue` of the page before. */
  continue?: string;
  resourceVersion?: string;
}

/** How to delete. */
export interface DeleteOptions extends ObjectOptions {
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  gracePeriodSeconds?: number;
  dryRun?: boolean;
  /** Delete it only if it is still this one. */
  uid?: string;
  resourceVersion?: string;
}

/** How a patch is written. */
export type PatchType = 'merge' | 'strategic' | 'json';

/** A request of the caller's own. */
export interface RawRequest extends CallOptions {
  /** Default: GET. */
  method?: string;
  /** Such as `/version`, with its query. */
  path: string;
  accept?: string;
  body?: unknown;
  contentType?: string;
}

/** What an engine has open. */
export interface Open {
  informers: number;
  sessions: number;
  fetches: number;
  streams: number;
  sockets: number;
  /** In bytes. */
  received: number;
}

type Parameters = [string, string][];

const PATCHES: Record<PatchType, string> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
};

/** A client of one API server. Made by `connect`; everything that comes of it ends with it. */
export class Client implements Disposable {
  readonly #caller: Caller;
  readonly #namespace: string;

  /** @internal */
  constructor(options: ConnectOptions) {
    const { settings, functions } = settingsOf(options);
    this.#caller = new Caller(settings, functions, options.mode);
    this.#namespace = options.namespace ?? 'default';
  }

  /** Where the engine runs. Fails when it does not start. */
  mode(): Promise<Mode> {
    return this.#caller.mode();
  }

  /** One object. */
  async get<T = KubernetesObject>(gvr: Gvr, name: string, options: ObjectOptions = {}): Promise<T> {
    return this.#send<T>('GET', optionsOf(options), { gvr: namedOf(gvr), name: named(name) });
  }

  /** The objects that the options select, in one answer; see `limit` and `continue`. */
  async list<T = KubernetesObject>(gvr: Gvr, options: ListOptions = {}): Promise<List<T>> {
    const { namespace = '', labelSelector, fieldSelector, limit, continue: goOn, resourceVersion } = optionsOf(options);
    const parameters = present({ labelSelector, fieldSelector, limit, continue: goOn, resourceVersion });
    return this.#send<List<T>>('GET', { ...options, namespace }, { gvr: namedOf(gvr), parameters });
  }

  /** Creates an object, whose own apiVersion and kind say what it is. */
  async create<T extends KubernetesObject>(object: T, options: WriteOptions & { gvr?: Gvr } = {}): Promise<T> {
    const sub = optionsOf(options).subresource && { name: object?.metadata?.name };
    return this.#send<T>('POST', within(object, options), { ...sub, gvr: resourceOf(object, options.gvr), parameters: written(options), body: JSON.stringify(object) });
  }

  /** Puts an object in place of the one of its name; a conflict unless its version is the newest or unset. */
  async update<T extends KubernetesObject>(object: T, options: WriteOptions & { gvr?: Gvr } = {}): Promise<T> {
    const name = named(object?.metadata?.name);
    return this.#send<T>('PUT', within(object, optionsOf(options)), { gvr: resourceOf(object, options.gvr), name, parameters: written(options), body: JSON.stringify(object) });
  }

  /** Changes part of an object. Default: a merge patch. */
  async patch<T = KubernetesObject>(gvr: Gvr, name: string, patch: unknown, options: WriteOptions & { type?: PatchType } = {}): Promise<T> {
    const contentType = PATCHES[optionsOf(options).type ?? 'merge'];
    return this.#send<T>('PATCH', options, { gvr: namedOf(gvr), name: named(name), parameters: written(options), body: JSON.stringify(patch), contentType });
  }

  /**
   * Server-side apply: makes the fields of `object` this manager's, and takes back those it set before and says no more. A
   * conflict when another manager owns one of them, unless `force`.
   */
  async apply<T extends KubernetesObject>(object: T, options: WriteOptions & { gvr?: Gvr; force?: boolean } = {}): Promise<T> {
    const name = named(object?.metadata?.name);
    const parameters: Parameters = [...written(optionsOf(options)), ...(options.force ? ([['force', 'true']] as Parameters) : [])];
    return this.#send<T>('PATCH', within(object, options), { gvr: resourceOf(object, options.gvr), name, parameters, body: JSON.stringify(object), contentType: 'application/apply-patch+yaml' });
  }

  /** Deletes an object. */
  async delete(gvr: Gvr, name: string, options: DeleteOptions = {}): Promise<void> {
    const { propagationPolicy, gracePeriodSeconds, dryRun, uid, resourceVersion } = optionsOf(options);
    const preconditions = uid !== undefined || resourceVersion !== undefined ? { uid, resourceVersion } : undefined;
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy, gracePeriodSeconds, preconditions, dryRun: dryRun ? ['All'] : undefined };
    await this.#send('DELETE', options, { gvr: namedOf(gvr), name: named(name), body: JSON.stringify(body) });
  }

  /** Any request; the answer read as JSON, or as it is when `accept` says otherwise. */
  async request<T = unknown>(request: RawRequest): Promise<T> {
    const { method = 'GET', path, accept, body, contentType, ...options } = optionsOf(request, "{ path: '/version' }");
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await this.#ask(method, options, { path, accept, body: text, contentType });
    return (accept && !accept.includes('json') ? answer : read(answer)) as T;
  }

  /** What the server serves. */
  async discovery(options: { signal?: AbortSignal } = {}): Promise<Discovery> {
    return JSON.parse(await this.#caller.ask<string>('discovery', {}, { ...optionsOf(options), repeats: true })) as Discovery;
  }

  /** Where a resource is: `resource('deploy')`. Fails with a NoMatchError. */
  async resource(gvr: Gvr, options: { signal?: AbortSignal } = {}): Promise<Resource> {
    return JSON.parse(await this.#caller.ask<string>('resource', namedOf(gvr), { ...optionsOf(options), repeats: true })) as Resource;
  }

  /** The lines of a container's logs, for a `for await`. */
  logs(pod: string, options: LogOptions = {}): Feed<string> {
    return openLogs(this.#caller, named(pod), { ...optionsOf(options), namespace: options.namespace ?? this.#namespace });
  }

  /** Runs a command in a container. `kubectl proxy` lets that pass only with `--reject-paths` changed. */
  exec(pod: string, options: ExecOptions): Exec {
    return new Exec(this.#caller, named(pod), { ...optionsOf(options, "{ command: ['true'] }"), namespace: options.namespace ?? this.#namespace });
  }

  /** An informer on some objects of one resource. */
  informer<T = KubernetesObject>(options: InformerOptions): Informer<T> {
    return new Informer<T>(this.#caller, options);
  }

  /** A query over some objects of one resource that stays current. */
  liveQuery<const C extends Record<string, Column>>(options: LiveQueryOptions<C>): LiveQuery<C> {
    return new LiveQuery<C>(this.#caller, options);
  }

  /** What the engine has open, that of other tabs too. */
  async open(): Promise<Open> {
    return JSON.parse(await this.#caller.ask<string>('open', {}, { repeats: true })) as Open;
  }

  /** Ends it, and everything that came of it. */
  close(): void {
    this.#caller.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #send<T>(method: string, options: ObjectOptions, parts: object): Promise<T> {
    return read(await this.#ask(method, options, { namespace: options.namespace ?? this.#namespace, subresource: options.subresource, ...parts })) as T;
  }

  async #ask(method: string, { signal, timeout }: CallOptions, parts: object): Promise<string> {
    const limit = timeout === undefined ? {} : { timeout: milliseconds('timeout', timeout) };
    return this.#caller.ask<string>('request', { method, ...limit, ...parts }, { signal, repeats: method === 'GET' });
  }
}

/** The namespace that a call or its object says. */
function within<O extends ObjectOptions>(object: KubernetesObject, options: O): O {
  const namespace = options.namespace ?? object?.metadata?.namespace;
  return namespace === undefined ? options : { ...options, namespace };
}

/** An answer that is to be JSON. Nothing of it is shown. */
function read(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    throw new DecodeError("the answer is no JSON: say what is wanted by `accept`, such as 'text/plain'");
  }
}

/** The resource that an object is of. */
function resourceOf(object: KubernetesObject, gvr: Gvr | undefined): Gvr {
  if (gvr) return namedOf(gvr);
  const { apiVersion, kind } = object ?? {};
  if (!apiVersion || !kind) throw new ConfigError('the object does not say what it is: set apiVersion and kind, or give `gvr`');
  const [version, group = ''] = apiVersion.split('/').reverse();
  return `${kind}.${version}.${group}`;
}

function named(name: string | undefined): string {
  if (!name) throw new ConfigError('the object needs a name');
  return name;
}

function written({ dryRun, fieldManager = 'portolan', fieldValidation }: WriteOptions): Parameters {
  return present({ dryRun: dryRun ? 'All' : undefined, fieldManager, fieldValidation });
}

function present(parameters: Record<string, string | number | undefined>): Parameters {
  return Object.entries(parameters).flatMap(([name, value]): Parameters => (value === undefined || value === '' ? [] : [[name, String(value)]]));
}
