// A live query: filtered, sorted and windowed in the engine; only the rows in view, and their changes, come here.
import './dispose.js';
import { type Caller, forgetDrop, pinned, whenDropped } from './caller.js';
import { ClosedError, ConfigError, errorOf, type Failure, PortolanError } from './errors.js';
import { asked, type InformerOptions, type InformerStatus, statusOf } from './informer.js';
import { callable, notify, onAbort, waitFor } from './listeners.js';
import { optionsOf } from './options.js';

/** A value of a row: what JSON has at the column's path; arrays and objects as their JSON, nothing as null. */
export type Cell = string | number | boolean | null;

/**
 * Where a column's value is: `status.phase`, `metadata.labels["app.kubernetes.io/name"]`, `spec.containers[*].image`. The
 * values of a path with `[*]` come as one text, with commas between; `take` sums or counts them instead.
 */
export type Column = string | { path: string; take?: 'auto' | 'sum' | 'count' };

/** A condition on the values at a path; of several values one must fulfil it, and for `notIn` all must. */
export interface Condition {
  path: string;
  in?: (string | number | boolean)[];
  notIn?: (string | number | boolean)[];
  exists?: boolean;
}

/** Which objects have a row: those that fulfil all of it. */
export interface Filter {
  /** Words that are all found in the key or a column, in any case of their letters. */
  text?: string;
  /** A label selector: `app=web,tier!=cache`. */
  labels?: string;
  where?: Condition[];
}

/** The rows in view: from the first to before the last, counted from 0. */
export interface Window {
  start: number;
  end: number;
}

/** What a live query asks. */
export interface Query<C extends Record<string, Column> = Record<string, Column>> {
  columns: C;
  filter?: Filter;
  /** By the name of a column, or a path; rows that are equal in all of it are sorted by key. */
  sort?: { by: string; descending?: boolean }[];
  /**
   * The path by whose values rows are counted; see `groups`. Rows stand where `sort` puts them: for a table with a heading
   * above each group sort by this path first, and give it a column. A heading then stands where its value changes.
   */
  group?: string;
  /** Default: the first 100 rows. */
  window?: Window;
}

/** Which objects, and what of them. */
export interface LiveQueryOptions<C extends Record<string, Column> = Record<string, Column>> extends InformerOptions, Query<C> {}

/** One row. The same object for as long as nothing in it changes and it is in view. */
export interface Row<C extends Record<string, Column> = Record<string, Column>> {
  /** `namespace/name`, or `name` of a cluster-scoped object. */
  readonly key: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly cells: { readonly [name in keyof C]: Cell };
}

/** What there is to see. A new one for each change; it never changes itself. */
export interface Snapshot<C extends Record<string, Column> = Record<string, Column>> {
  /** The rows of the window. */
  readonly rows: readonly Row<C>[];
  /** Where the window begins: not where it was asked to, when there are fewer rows. */
  readonly start: number;
  /** How many rows there are. */
  readonly matched: number;
  /** How many objects there are, whatever the filter. */
  readonly total: number;
  /** How many rows each value of the group's path has. */
  readonly groups: Readonly<Record<string, number>>;
  /** Whether every object has been looked at. */
  readonly synced: boolean;
  readonly status: InformerStatus;
  /**
   * Why nothing more comes: the query was wrong from the beginning, there is no such resource, or the client was closed; then
   * `status.phase` is `ended`. Or why what was `set` last is not shown, a ConfigError: the query goes on as it was before, and
   * the next `set` takes the error away.
   */
  readonly error?: PortolanError;
}

interface Update {
  rows: (string | [key: string, uid: string, version: string, cells: Cell[]])[];
  start: number;
  matched: number;
  total: number;
  groups: Record<string, number>;
  synced: boolean;
  status: object | null;
  serial: number;
  refused: [serial: number, failure: Failure][];
}

const NOTHING: InformerStatus = { phase: 'connecting', synced: false, errors: 0, relists: 0 };

interface Subscriber {
  tell: () => void;
  /** Takes back what its signal was asked. */
  forget: () => void;
}

/**
 * A query that stays current. It runs until it is closed, or dropped without subscribers. Once closed, it fails whatever is
 * asked of it with a ClosedError.
 */
export class LiveQuery<C extends Record<string, Column> = Record<string, Column>> implements Disposable {
  readonly #caller: Caller;
  readonly #state: State<C>;
  readonly #id: number;
  readonly #subscribers: Set<Subscriber>;
  readonly #closed = new AbortController();

  /** @internal */
  constructor(caller: Caller, options: LiveQueryOptions<C>) {
    this.#caller = caller;
    const place = asked(options);
    const state = (this.#state = new State(options));
    const subscribers = (this.#subscribers = new Set());
    const tell = () => [...subscribers].forEach(({ tell }) => notify(tell));
    const id: number = (this.#id = caller.start({
      operation: 'live',
      settings: () => ({ ...place, ...state.shown() }),
      repeats: true,
      receiver: {
        next: (payload) => {
          state.take(JSON.parse(payload as string) as Update);
          caller.read(id);
          tell();
        },
        done: () => {},
        fail: (error) => {
          state.fail(error);
          tell();
        },
        again: () => {
          for (const said of state.pending()) caller.push(id, JSON.stringify(said));
        },
      },
    }));
    whenDropped(this, () => caller.cancel(id));
  }

  /** What there is to see now. */
  get snapshot(): Snapshot<C> {
    return this.#state.snapshot;
  }

  /** Calls `subscriber` whenever there is another snapshot; the function it returns ends that. */
  subscribe(subscriber: () => void, options: { signal?: AbortSignal } = {}): () => void {
    const { signal } = optionsOf(options);
    this.#closed.signal.throwIfAborted();
    callable(subscriber);
    const own: Subscriber = { tell: subscriber, forget: () => {} };
    const end = () => {
      own.forget();
      this.#subscribers.delete(own);
      if (this.#subscribers.size === 0) pinned.delete(this);
    };
    if (signal?.aborted) return end;
    this.#subscribers.add(own);
    pinned.add(this);
    own.forget = onAbort(signal, end);
    return end;
  }

  /**
   * Changes what is asked; what is left out stays. Until the new rows are there the old ones are. What is wrong, such as a path
   * or a selector that is half typed, is told by `snapshot.error` and counts as never set.
   */
  set(change: Partial<Query<C>>): void {
    this.#closed.signal.throwIfAborted();
    const said = this.#state.change(optionsOf(change, "{ filter: { text: 'web' } }"));
    if (said) this.#caller.push(this.#id, JSON.stringify(said));
  }

  /** Resolves once a snapshot fulfils `wanted`. Fails with `snapshot.error`, and with what `wanted` throws. */
  async until(wanted: (snapshot: Snapshot<C>) => boolean, options: { signal?: AbortSignal } = {}): Promise<Snapshot<C>> {
    const { signal } = optionsOf(options);
    return waitFor<Snapshot<C>>([signal, this.#closed.signal], (resolve, reject, over) => {
      const look = () => {
        const { snapshot } = this;
        if (snapshot.error) return reject(snapshot.error);
        try {
          if (wanted(snapshot)) resolve(snapshot);
        } catch (error) {
          reject(error);
        }
      };
      this.subscribe(look, { signal: over });
      look();
    });
  }

  /** Ends it: whoever waits for it is told a ClosedError. */
  close(): void {
    this.#closed.abort(new ClosedError('the query is closed'));
    this.#caller.cancel(this.#id);
    forgetDrop(this);
    for (const { forget } of this.#subscribers) forget();
    this.#subscribers.clear();
    pinned.delete(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** What is wanted and what is there, apart from the handle, so that the handle can be dropped. */
class State<C extends Record<string, Column>> {
  #query: Query<C>;
  #serial = 0;
  /** What was asked last, right or wrong. */
  #said: string;
  /** The query that is shown, and behind it those that may be shown next. */
  readonly #queries = new Map<number, Query<C>>();
  #rows = new Map<string, Row<C>>();
  snapshot: Snapshot<C> = { rows: [], start: 0, matched: 0, total: 0, groups: {}, synced: false, status: NOTHING };

  constructor({ columns, filter, sort, group, window }: LiveQueryOptions<C>) {
    this.#query = { columns, ...(filter && { filter }), ...(sort && { sort }), ...(group && { group }), ...(window && { window }) };
    this.#said = JSON.stringify(queryOf(this.#query));
    this.#queries.set(0, this.#query);
  }

  /** What an engine begins with. */
  shown(): object {
    const [first] = this.#queries;
    const [serial, query] = first!;
    return { query: queryOf(query), window: this.#window(), serial };
  }

  /** What an engine that began anew is to change to. */
  pending(): object[] {
    return [...this.#queries].slice(1).map(([serial, query]) => ({ query: JSON.stringify(queryOf(query)), serial }));
  }

  change(change: Partial<Query<C>>): object | undefined {
    const before = String(this.#window());
    const wanted = { ...this.#query, ...change };
    const query = JSON.stringify(queryOf(wanted));
    this.#query = wanted;
    const window = this.#window();
    const said: { query?: string; window?: number[]; serial?: number } = {};
    if (String(window) !== before) said.window = window;
    if (query !== this.#said) {
      said.query = this.#said = query;
      said.serial = this.#serial += 1;
      this.#queries.set(this.#serial, wanted);
      const { error, ...rest } = this.snapshot;
      if (error && rest.status.phase !== 'ended') this.snapshot = rest;
    }
    return said.query || said.window ? said : undefined;
  }

  take(update: Update): void {
    for (const serial of this.#queries.keys()) if (serial < update.serial) this.#queries.delete(serial);
    const names = Object.keys(this.#queries.get(update.serial)?.columns ?? {});
    let { error } = this.snapshot;
    for (const refused of update.refused) error = this.#refused(...refused) ?? error;
    const rows = update.rows.map((row) => {
      if (typeof row === 'string') return this.#rows.get(row)!;
      const [key, uid, resourceVersion, cells] = row;
      const now = { key, uid, resourceVersion, cells: Object.fromEntries(names.map((name, at) => [name, cells[at] ?? null])) } as Row<C>;
      // A list anew, another filter and an engine that began anew tell of rows that are what they were.
      const before = this.#rows.get(key);
      return before && JSON.stringify(before) === JSON.stringify(now) ? before : now;
    });
    this.#rows = new Map(rows.map((row) => [row.key, row]));
    const { start, matched, total, groups, synced } = update;
    this.snapshot = { rows, start, matched, total, groups, synced, status: update.status ? statusOf(update.status) : NOTHING, ...(error && { error }) };
  }

  fail(error: unknown): void {
    const told = error instanceof PortolanError ? error : new PortolanError(String(error));
    this.snapshot = { ...this.snapshot, status: { ...this.snapshot.status, phase: 'ended', error: told }, error: told };
  }

  /** What was asked by this number is wrong: why, unless something else has been asked since. */
  #refused(serial: number, failure: Failure): PortolanError | undefined {
    this.#queries.delete(serial);
    if (serial !== this.#serial) return undefined;
    const { window } = this.#query;
    this.#query = { ...[...this.#queries.values()].pop()!, ...(window && { window }) };
    return errorOf(failure);
  }

  #window(): [number, number] {
    const { start, end } = this.#query.window ?? { start: 0, end: 100 };
    return [row(Math.floor(start)), row(Math.ceil(end))];
  }
}

/** The number of a row as it crosses: 32 bits hold it. */
function row(number: number): number {
  return Math.min(Math.max(0, number || 0), 2 ** 32 - 1);
}

/** The query as it crosses. */
function queryOf({ columns, filter, sort, group }: Query): object {
  if (typeof columns !== 'object' || columns === null) throw new ConfigError("a live query needs `columns`, such as { name: 'metadata.name' }");
  const plain = Object.entries(columns).map(([name, column]) => ({ name, ...(typeof column === 'string' ? { path: column } : column) }));
  return { columns: plain, ...(filter && { filter }), ...(sort && { sort }), ...(group && { group }) };
}
