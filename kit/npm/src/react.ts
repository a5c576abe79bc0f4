// Portolan in React: a client for a tree of components, and hooks on informers and live queries.
import { createContext, createElement, type ReactNode, useContext, useEffect, useMemo, useSyncExternalStore } from 'react';
import type { Client, Column, Entry, InformerOptions, InformerStatus, KubernetesObject, LiveQueryOptions, PortolanError, Snapshot } from './index.js';
import { optionsOf } from './options.js';

const Context = createContext<Client | undefined>(undefined);

/** Gives `client` to the hooks below it. */
export function PortolanProvider({ client, children }: { client: Client; children?: ReactNode }): ReactNode {
  return createElement(Context.Provider, { value: client }, children);
}

/** The client of the nearest provider. */
export function useClient(): Client {
  const client = useContext(Context);
  if (!client) throw new Error('no Portolan client: put <PortolanProvider client={connect()}> around this component');
  return client;
}

const NOTHING: Snapshot<never> = { rows: [], start: 0, matched: 0, total: 0, groups: {}, synced: false, status: { phase: 'connecting', synced: false, errors: 0, relists: 0 } };

/**
 * What a live query shows, current at all times. Options are compared by value; another filter, order, group, window or
 * column changes the query that runs, other objects begin a new one. Rows keep their identity while nothing in them changes.
 */
export function useLiveQuery<const C extends Record<string, Column>>(options: LiveQueryOptions<C>): Snapshot<C> {
  const client = useClient();
  const place = placeOf(options);
  const { columns, filter, sort, group, window } = options;
  const asked = JSON.stringify([columns, filter, sort, group, window]);
  const store = useMemo(() => new Store(() => client.liveQuery(options)), [client, place]);
  const snapshot = useSyncExternalStore(store.subscribe, () => store.now?.snapshot ?? (NOTHING as Snapshot<C>), () => NOTHING as Snapshot<C>);
  // After the effect that opens the store's query, which it does with the options of the first render.
  useEffect(() => {
    store.now?.set({ columns, filter, sort, group, window } as Partial<LiveQueryOptions<C>>);
  }, [store, asked]);
  return snapshot;
}

/** What makes two that ask the same. */
function placeOf(options: InformerOptions): string {
  const { gvr, namespace, labelSelector, fieldSelector } = optionsOf(options, "{ gvr: 'v1/pods' }");
  return JSON.stringify([gvr, namespace, labelSelector, fieldSelector]);
}

/** An informer's objects. */
export interface Held<T> {
  /** By key. A new map for each change. */
  readonly entries: ReadonlyMap<string, Entry<T>>;
  readonly synced: boolean;
  readonly status: InformerStatus;
  readonly error?: PortolanError;
}

/** All objects of an informer, current at all times: for some hundreds. Of many, `useLiveQuery` brings those in view. */
export function useInformer<T = KubernetesObject>(options: InformerOptions): Held<T> {
  const client = useClient();
  const place = placeOf(options);
  const store = useMemo(() => new Store(() => new Mirror<T>(client, options)), [client, place]);
  return useSyncExternalStore(store.subscribe, () => store.now?.snapshot ?? (EMPTY as Held<T>), () => EMPTY as Held<T>);
}

const EMPTY: Held<never> = { entries: new Map(), synced: false, status: NOTHING.status };

interface Source {
  readonly snapshot: unknown;
  subscribe(subscriber: () => void): () => void;
  close(): void;
}

/** Opens a source for the first subscriber and closes it after the last. */
class Store<S extends Source> {
  now: S | undefined;
  #open: () => S;
  #subscribers = 0;

  constructor(open: () => S) {
    this.#open = open;
  }

  readonly subscribe = (subscriber: () => void): (() => void) => {
    this.#subscribers += 1;
    const source = (this.now ??= this.#open());
    const end = source.subscribe(subscriber);
    return () => {
      end();
      this.#subscribers -= 1;
      if (this.#subscribers > 0) return;
      source.close();
      this.now = undefined;
    };
  };
}

/** The objects of an informer, held here. */
class Mirror<T> implements Source {
  snapshot: Held<T> = EMPTY as Held<T>;
  readonly #entries = new Map<string, Entry<T>>();
  readonly #informer;
  readonly #subscribers = new Set<() => void>();
  #told = false;

  constructor(client: Client, options: InformerOptions) {
    const put = (entry: Entry<T>) => this.#change(() => this.#entries.set(entry.key, entry));
    this.#informer = client
      .informer<T>(options)
      .on('add', put)
      .on('update', put)
      .on('delete', (entry) => this.#change(() => this.#entries.delete(entry.key)))
      .on('synced', () => this.#change(() => {}, { synced: true }))
      .on('status', (status) => this.#change(() => {}, { status, ...(status.error && { error: status.error }) }))
      .on('error', (error) => this.#change(() => {}, { error }));
  }

  subscribe(subscriber: () => void): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  close(): void {
    this.#informer.close();
  }

  /** Changes of one moment are told once. */
  #change(change: () => void, parts: Partial<Held<T>> = {}): void {
    change();
    const { error, ...before } = this.snapshot;
    const kept = parts.status && !parts.status.error ? {} : error && { error };
    this.snapshot = { ...before, ...kept, ...parts };
    if (this.#told) return;
    this.#told = true;
    queueMicrotask(() => {
      this.#told = false;
      this.snapshot = { ...this.snapshot, entries: new Map(this.#entries) };
      this.#subscribers.forEach((subscriber) => subscriber());
    });
  }
}
