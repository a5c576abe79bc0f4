// A host in JavaScript for guests made with portolan-host: gives a guest a page's or Node's fetch and WebSocket.
//
// How the bytes are laid out is written down in src/wire.rs. A guest that loops for ever holds up its thread, which only
// whoever started that thread can end: run a guest you do not trust in a Worker.
import { FAILURES, Reader, VERSION, WATCH_OVER, Writer } from './wire.mjs';
import { FetchExchange, SocketExchange } from './exchanges.mjs';

/**
 * Runs a guest to its end.
 *
 * @param {BufferSource | WebAssembly.Module} module the guest
 * @param {object} options
 * @param {string} options.server the API server's address, such as `kubectl proxy`'s
 * @param {typeof fetch} [options.fetch] sends its requests; default: the global one. Add credentials here
 * @param {typeof WebSocket} [options.WebSocket] opens its sockets; default: the global one (in Node 20 behind
 *   `--experimental-websocket`), and none where there is none
 * @param {'http' | 'socket' | 'socketThenHttp'} [options.watchOver] what its watches go over; default: `http`
 * @param {string | Uint8Array} [options.input] what it is told at its start
 * @param {(line: string) => void} [options.say] where its lines go; default: `console.log`
 * @param {(request: { method: string, url: URL, headers: [string, string][], protocols: string[], socket: boolean }) =>
 *   boolean} [options.allow] whether it may send a request to `server`, with these headers or subprotocols; what it may
 *   not is answered with 403 and logged by `warn`. Default: everything. Whatever it says, a request is refused that brings
 *   credentials, impersonates or names another host: who the guest is, is the host's to say
 * @param {(line: string) => void} [options.warn] where refusals are logged; default: `console.warn`
 * @param {number} [options.maxExchanges] how many requests, watches and sockets it may have open at once; default: 64
 * @param {number} [options.maxBytes] how large its memory may be at the end of a turn; default: 256 MiB
 * @param {AbortSignal} [options.signal] ends it
 * @returns {Promise<{ memoryBytes: number }>} how large its memory was; rejected when the guest fails
 */
export async function runGuest(module, options) {
  const compiled = module instanceof WebAssembly.Module ? module : await WebAssembly.compile(module);
  const { exports } = await WebAssembly.instantiate(compiled, {});
  for (const name of ['memory', 'portolan_version', 'portolan_input', 'portolan_turn']) {
    if (!(name in exports)) throw new Error(`this wasm module is no guest: it exports no ${name}`);
  }
  const version = exports.portolan_version();
  if (version !== VERSION) throw new Error(`the guest speaks version ${version}, this host ${VERSION}: build both alike`);
  const { memory, portolan_input: input, portolan_turn: turn } = exports;
  return runTurns({
    turn(message) {
      const at = input(message.length) >>> 0;
      new Uint8Array(memory.buffer, at, message.length).set(message);
      const answer = turn() >>> 0;
      const length = new DataView(memory.buffer).getUint32(answer, true);
      return new Uint8Array(memory.buffer, answer + 4, length).slice();
    },
    memoryBytes: () => memory.buffer.byteLength,
  }, options);
}

/**
 * Runs to its end a guest whose exports have another form, as an Extism plug-in's.
 *
 * @param {object} guest
 * @param {(message: Uint8Array) => Uint8Array | Promise<Uint8Array>} guest.turn calls it once: `portolan_host::Guest::turn`
 * @param {() => number} guest.memoryBytes how large its memory is
 * @param {object} options as `runGuest` takes them
 * @returns {Promise<{ memoryBytes: number }>} as `runGuest`
 */
export function runTurns(guest, options) {
  return new Promise((resolve, reject) => new Host(guest, options, resolve, reject));
}

class Host {
  #guest;
  #options;
  #resolve;
  #reject;
  #events = new Writer();
  #exchanges = new Map();
  #timer;
  /** The number of the exchange begun last. Each is greater, so that nothing told of one can be taken for another's. */
  #last = 0;
  /** How many commands it has given in this turn. */
  #given = 0;
  #scheduled = false;
  /** How many turns there were since the page or the event loop could do something else. */
  #turns = 0;
  #over = false;

  constructor(guest, options, resolve, reject) {
    this.#guest = guest;
    this.#options = {
      fetch: globalThis.fetch,
      WebSocket: defaultWebSocket(),
      watchOver: 'http',
      input: '',
      say: console.log,
      warn: console.warn,
      allow: () => true,
      maxExchanges: 64,
      maxBytes: 256 << 20,
      ...options,
    };
    this.#resolve = resolve;
    this.#reject = reject;
    const { server, watchOver, input, signal } = this.#options;
    signal?.addEventListener('abort', () => this.#end(() => reject(signal.reason)));
    if (signal?.aborted) return void this.#end(() => reject(signal.reason));
    const seed = crypto.getRandomValues(new BigUint64Array(1))[0];
    this.#events.u8(0).text(server).u8(WATCH_OVER[watchOver]).u64(seed).bytes(bytesOf(input));
    this.#schedule();
  }

  /** Lets an exchange tell the guest something, which it hears in the next turn. */
  tell(write) {
    if (this.#over) return;
    write(this.#events);
    this.#schedule();
  }

  /** An exchange is over: nothing more is told of it. */
  forget(id) {
    this.#exchanges.delete(id);
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const attempt = () => {
      if (!this.#over) void this.#attempt();
    };
    // What is answered at once would otherwise leave nobody else a turn, nor a moment to abort this in.
    this.#turns = (this.#turns + 1) % MOST_TURNS;
    if (this.#turns === 0) setTimeout(attempt);
    else queueMicrotask(attempt);
  }

  async #attempt() {
    try {
      await this.#turn();
    } catch (error) {
      this.#end(() => this.#reject(new Error(`the guest is broken: ${error.message}`, { cause: error })));
    }
  }

  async #turn() {
    clearTimeout(this.#timer);
    const now = performance.now();
    const moment = new Writer().u64(nanoseconds(now)).u64(nanoseconds(Date.now()));
    const [head, tail] = [moment.finish(), this.#events.finish()];
    this.#events = new Writer();
    const message = new Uint8Array(head.length + tail.length);
    message.set(head);
    message.set(tail, head.length);
    const reader = new Reader(await this.#guest.turn(message));
    if (this.#over) return;
    const { maxBytes } = this.#options;
    const memoryBytes = this.#guest.memoryBytes();
    if (memoryBytes > maxBytes) {
      this.#options.warn(`ended: the guest's memory is over ${maxBytes} bytes`);
      throw new Error(`it uses ${memoryBytes} bytes of memory, more than the ${maxBytes} the host allows`);
    }
    this.#scheduled = false;
    // What was told meanwhile is for the next turn.
    if (!this.#events.isEmpty) this.#schedule();
    const wake = reader.u64();
    this.#given = 0;
    while (!reader.isAtEnd && !this.#over) this.#carryOut(reader);
    if (this.#over) return;
    if (wake !== WHENEVER) this.#wakeAt(wake);
    else if (this.#exchanges.size === 0 && this.#events.isEmpty) throw new Error('it waits, and for nothing the host could bring');
  }

  #wakeAt(wake) {
    // Rounded up, and no longer than a timer can: an early turn does no harm.
    const milliseconds = Math.ceil(Number(wake) / 1e6 - performance.now());
    this.#timer = setTimeout(() => this.#schedule(), Math.min(Math.max(milliseconds, 0), 0x7fffffff));
  }

  #carryOut(reader) {
    const tag = reader.u8();
    if (tag === 6) return this.#options.say(reader.text());
    if (tag === 7) {
      const failure = reader.maybe(() => reader.text());
      const memoryBytes = this.#guest.memoryBytes();
      return this.#end(() => (failure === undefined ? this.#resolve({ memoryBytes }) : this.#reject(new Error(failure))));
    }
    this.#given += 1;
    if (this.#given > MOST_COMMANDS) throw new Error('it wants too much at once');
    const id = reader.u32();
    const exchange = this.#exchanges.get(id);
    if (tag === 0) this.#begin(id, reader.request(), FetchExchange);
    else if (tag === 1) this.#begin(id, reader.handshake(), SocketExchange);
    else if (tag === 2) exchange?.take();
    else if (tag === 3) {
      const piece = reader.piece();
      exchange?.give(piece);
    } else if (tag === 4) exchange?.finish();
    else if (tag === 5) {
      this.forget(id);
      exchange?.drop();
    } else throw new Error(`it wants ${tag}, which nobody knows`);
  }

  #begin(id, request, Exchange) {
    if (id <= this.#last) throw new Error("it begins an exchange whose number is not greater than the last one's");
    this.#last = id;
    const { allow, maxExchanges, server, warn } = this.#options;
    const socket = Exchange === SocketExchange;
    const url = new URL(request.uri);
    const { method, headers, protocols = [] } = request;
    if (this.#exchanges.size >= maxExchanges) {
      warn(`refused: more than ${maxExchanges} requests, watches and sockets at once`);
      return this.tell((events) => events.status(id, 429, 'TooManyRequests', `the host allows ${maxExchanges} exchanges at once`));
    }
    const isOwn = url.origin === new URL(server).origin && !isSomebodyElses(headers, protocols);
    if (!isOwn || !allow({ method, url, headers, protocols, socket })) {
      warn(`refused: ${method} ${url.origin}${url.pathname}`);
      const message = `forbidden: the host does not allow this guest ${method} ${url.pathname}`;
      return this.tell((events) => events.status(id, 403, 'Forbidden', message));
    }
    if (socket && !this.#options.WebSocket) {
      return this.tell((events) => events.failed(id, FAILURES.unsupported, 'this host opens no WebSockets'));
    }
    this.#exchanges.set(id, new Exchange(this, id, request, this.#options));
  }

  #end(settle) {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#exchanges.forEach((exchange) => exchange.drop());
    this.#exchanges.clear();
    settle();
  }
}

/** Whether a request brings credentials (on a socket they travel as a subprotocol), impersonates or names another host. */
function isSomebodyElses(headers, protocols) {
  const names = headers.map(([name]) => name.toLowerCase());
  const is = (name) => ['authorization', 'proxy-authorization', 'cookie', 'host'].includes(name) || name.startsWith('impersonate-');
  return names.some(is) || protocols.some((protocol) => protocol.startsWith('base64url.bearer.authorization.k8s.io.'));
}

/** The global WebSocket. API servers want an Origin, which a page's has and Node's must be told to send. */
function defaultWebSocket() {
  const { WebSocket, location } = globalThis;
  if (!WebSocket || location) return WebSocket;
  return class extends WebSocket {
    constructor(address, protocols) {
      super(address, { protocols, headers: { origin: new URL(address).origin.replace(/^ws/, 'http') } });
    }
  };
}

/** How many turns may follow each other as microtasks. */
const MOST_TURNS = 64;

/** How many commands a guest may give in a turn, the lines it says not counted; one that gives more is broken. */
const MOST_COMMANDS = 10_000;

const WHENEVER = 0xffffffffffffffffn;

function nanoseconds(milliseconds) {
  return BigInt(Math.round(milliseconds * 1000)) * 1000n;
}

function bytesOf(input) {
  return typeof input === 'string' ? new TextEncoder().encode(input) : input;
}
