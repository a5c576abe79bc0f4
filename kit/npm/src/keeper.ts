// Caches kept between runs, in IndexedDB. A hint that may be gone at any time: nothing here fails but with a slower start.

/** What the engine asks of it. @internal */
export interface Keeper {
  /** What was kept under this name, and when. */
  load(name: string): Promise<[bytes: Uint8Array, written: number] | undefined>;
  /** Keeps it in place of what was there. */
  store(name: string, bytes: Uint8Array): Promise<void>;
}

interface Kept {
  bytes: Uint8Array;
  /** In milliseconds since the Unix epoch. */
  written: number;
}

const DATABASE = 'portolan';
const CACHES = 'caches';
/** The index of their ages, so that none is read for its age alone. */
const WRITTEN = 'written';
const VERSION = 2;

/** That of this origin; `undefined` where there is no IndexedDB. @internal */
export function keeper(): Keeper | undefined {
  return globalThis.indexedDB && { load, store };
}

/**
 * Forgets every cache that `warmStart` has kept in this origin: of all clusters and users. A client that is open keeps again: close
 * all of them, and wait for `linger`, before.
 */
export async function clearData(): Promise<void> {
  if (globalThis.indexedDB) await within('readwrite', (caches) => caches.clear());
}

async function load(name: string): Promise<[Uint8Array, number] | undefined> {
  const kept = await within<Kept | undefined>('readonly', (caches) => caches.get(name));
  return kept && [kept.bytes, kept.written];
}

async function store(name: string, bytes: Uint8Array): Promise<void> {
  const kept: Kept = { bytes, written: Date.now() };
  const put = () => within('readwrite', (caches) => caches.put(kept, name));
  try {
    await put();
  } catch (error) {
    if ((error as DOMException).name !== 'QuotaExceededError') throw error;
    await forgetOthers(name);
    await put();
  }
}

/** Makes room: forgets the older half of what else is kept. */
async function forgetOthers(name: string): Promise<void> {
  const byAge = await within<IDBValidKey[]>('readonly', (caches) => caches.index(WRITTEN).getAllKeys());
  const others = byAge.filter((one) => one !== name);
  for (const one of others.slice(0, Math.ceil(others.length / 2))) await within('readwrite', (caches) => caches.delete(one));
}

/** One request in a transaction of its own; it is kept once the transaction is complete. */
async function within<T>(mode: IDBTransactionMode, request: (caches: IDBObjectStore) => IDBRequest): Promise<T> {
  const database = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(CACHES, mode, { durability: 'relaxed' });
      const asked = request(transaction.objectStore(CACHES));
      transaction.oncomplete = () => resolve(asked.result as T);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** A database that cannot be opened, or was written by a newer version, is made anew. */
async function open(): Promise<IDBDatabase> {
  return opened().catch(async () => {
    await new Promise<void>((resolve) => {
      const deleting = indexedDB.deleteDatabase(DATABASE);
      deleting.onsuccess = deleting.onerror = deleting.onblocked = () => resolve();
    });
    return opened();
  });
}

function opened(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, VERSION);
    opening.onupgradeneeded = () => void opening.result.createObjectStore(CACHES).createIndex(WRITTEN, 'written');
    opening.onsuccess = () => {
      const database = opening.result;
      if (database.objectStoreNames.contains(CACHES)) return resolve(database);
      database.close();
      reject(new Error('another database of this name'));
    };
    opening.onerror = () => reject(opening.error);
  });
}
