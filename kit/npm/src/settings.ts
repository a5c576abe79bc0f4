// What `connect` takes, and what of it can cross a port.
import { ConfigError, UnsupportedError } from './errors.js';
import { optionsOf } from './options.js';
import { platform } from './platform.js';

/** Where the engine runs. */
export type Mode = 'shared' | 'dedicated' | 'page';

/** What `connect` takes. */
export interface ConnectOptions {
  /**
   * The API server's address, or that of a `kubectl proxy`. Default: where the page came from, as `kubectl proxy --www`
   * serves it. Node has no default.
   */
  server?: string | URL;
  /** A bearer token. Over a WebSocket it travels as a subprotocol, for a browser's WebSocket carries no header. */
  token?: string;
  /** The namespace meant when a call on one object names none. Default: `default`. */
  namespace?: string;
  /**
   * Where the engine runs: in a worker shared by all tabs of the origin, in one of this page, or in the page. Default: the
   * first of these that the browser and the page's policy allow. In Node, and with `fetch`, it is the page.
   */
  mode?: Mode;
  /**
   * Called in place of `fetch`, with a Request: your own transport. Watches then go over it too, as streamed bodies,
   * unless `WebSocket` is given.
   */
  fetch?: (request: Request) => Promise<Response>;
  /** A constructor used in place of `WebSocket`. */
  WebSocket?: new (address: string, protocols: string[]) => object;
  /** How long an informer that nobody holds any more goes on, in milliseconds. Default: 5000. In Node all end with the last client. */
  linger?: number;
  /**
   * Whether caches are kept in IndexedDB: the next run shows them at once, marked by `status.asOf`, and asks for what has
   * changed since. What is kept can be read by every page of the origin, and by whoever uses this browser profile; `clearData()`
   * forgets it. Secrets are left out unless told. Default: no. Node keeps nothing.
   */
  warmStart?: boolean | WarmStart;
}

/** How caches are kept. */
export interface WarmStart {
  /** Whether Secrets are kept too. Default: no. */
  secrets?: boolean;
  /** The least time from one keeping of a cache to the next, in milliseconds. Default: 10000. */
  every?: number;
}

/** What crosses to the engine. @internal */
export interface Settings {
  server: string;
  token?: string;
  watchOver: 'socket' | 'http' | 'either';
  boundsStreams: boolean;
  linger: number;
  warmStart?: Required<WarmStart>;
}

/** What cannot cross: with any of it the engine runs in the page. @internal */
export interface Functions {
  fetch?: unknown;
  webSocket?: unknown;
}

/** A time as it crosses: timers hold no more than 31 bits. @internal */
export function milliseconds(name: string, time: number): number {
  if (!(time >= 0)) throw new ConfigError(`\`${name}\` is a number of milliseconds`);
  return Math.min(Math.ceil(time), 2 ** 31 - 1);
}

/** What of the options the engine needs. @internal */
export function settingsOf(options: ConnectOptions): { settings: Settings; functions: Functions | undefined } {
  const server = optionsOf(options, '{ server: "http://127.0.0.1:8001" }').server ?? platform.ownServer();
  if (server === undefined) {
    throw new ConfigError('name the API server: connect({ server: "http://127.0.0.1:8001" }), as `kubectl proxy` prints it');
  }
  let address: URL;
  try {
    address = new URL(server);
  } catch {
    throw new ConfigError(`${JSON.stringify(String(server))} is no address of a server: connect({ server: "http://127.0.0.1:8001" })`);
  }
  if (!/^https?:$/.test(address.protocol) || address.username || address.password) {
    throw new ConfigError('the server is an address of http or https, without a user in it: a token goes in `token`');
  }
  const settings: Settings = { server: address.href, linger: milliseconds('linger', options.linger ?? 5000), ...platform.watches };
  if (options.token !== undefined) settings.token = options.token;
  if (options.warmStart) settings.warmStart = { secrets: false, every: 10_000, ...(options.warmStart === true ? {} : options.warmStart) };
  if (!options.fetch && !options.WebSocket) return { settings, functions: undefined };
  if (options.mode && options.mode !== 'page') {
    throw new UnsupportedError(`a function cannot cross to a ${options.mode} worker: with \`fetch\` or \`WebSocket\` leave \`mode\` out`);
  }
  if (options.fetch) {
    settings.watchOver = 'http';
    // It need not be the browser's, nor share its connections.
    settings.boundsStreams = false;
  }
  if (options.WebSocket) settings.watchOver = 'either';
  return { settings, functions: { fetch: options.fetch, webSocket: options.WebSocket } };
}
