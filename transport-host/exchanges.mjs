// The host's end of a guest's exchanges: one fetch with its answer, or one WebSocket.
import { FAILURES } from './wire.mjs';

/** A request's body that comes in pieces is gathered before it is sent, so far: browsers cannot stream it over HTTP/1.1. */
const MOST_GATHERED = 64 << 20;

/** Messages of a socket that the guest has not taken, in bytes: a WebSocket cannot be held back, so beyond it is closed. */
const MOST_UNTAKEN = 16 << 20;

/** What may wait in a socket to be sent before the guest has to wait. */
const MOST_UNSENT = 1 << 20;

export class FetchExchange {
  #host;
  #id;
  #request;
  #options;
  /** Whether the guest has still to say how its request goes on. */
  #isUnfinished;
  /** Whether there is an answer of which a piece may be asked for, and none is on its way. */
  #isReady = false;
  #abort = new AbortController();
  #pieces = [];
  #gathered = 0;
  #reader;

  constructor(host, id, request, options) {
    this.#host = host;
    this.#id = id;
    this.#request = request;
    this.#options = options;
    this.#isUnfinished = request.inPieces;
    if (!request.inPieces) this.#send(request.body);
  }

  give(bytes) {
    if (!this.#isUnfinished || typeof bytes === 'string') throw new Error('it gives a piece of a request that takes none');
    this.#gathered += bytes.length;
    if (this.#gathered > MOST_GATHERED) return this.#fail(FAILURES.tooLarge, `a request's body is over ${MOST_GATHERED} bytes`);
    this.#pieces.push(bytes);
    this.#host.tell((events) => events.taken(this.#id));
  }

  finish() {
    if (!this.#isUnfinished) throw new Error('it finishes a request that was whole');
    this.#isUnfinished = false;
    this.#host.tell((events) => events.taken(this.#id));
    this.#send(new Blob(this.#pieces));
    this.#pieces = [];
  }

  async #send(body) {
    const { method, uri, headers } = this.#request;
    const { fetch } = this.#options;
    try {
      // A redirect is the guest's to judge; the API server's answers are never to be reused.
      const answer = await fetch(uri, { method, headers, body, signal: this.#abort.signal, redirect: 'manual', cache: 'no-store' });
      const status = answer.type === 'opaqueredirect' ? 302 : answer.status;
      this.#reader = answer.body?.getReader();
      this.#isReady = true;
      this.#host.tell((events) => events.head(this.#id, status, [...answer.headers]));
    } catch (error) {
      this.#fail(kindOf(error, method), reasonOf(error));
    }
  }

  take() {
    if (!this.#isReady) throw new Error('it asks for a piece before the answer, or the last piece, was there');
    this.#isReady = false;
    this.#read();
  }

  async #read() {
    try {
      for (;;) {
        const { value, done } = (await this.#reader?.read()) ?? { done: true };
        if (done) {
          this.#host.forget(this.#id);
          return this.#host.tell((events) => events.end(this.#id));
        }
        if (value.length === 0) continue;
        this.#isReady = true;
        return this.#host.tell((events) => events.chunk(this.#id, value));
      }
    } catch (error) {
      this.#fail(FAILURES.interrupted, `the answer broke off: ${reasonOf(error)}`);
    }
  }

  drop() {
    this.#abort.abort();
  }

  #fail(kind, message) {
    if (this.#abort.signal.aborted) return;
    this.#host.forget(this.#id);
    this.#abort.abort();
    this.#host.tell((events) => events.failed(this.#id, kind, message));
  }
}

export class SocketExchange {
  #host;
  #id;
  #socket;
  #isOpen = false;
  #isOver = false;
  #isWanted = false;
  /** Whether nothing may be given: a message is on its way, or there are to be no more. */
  #isFull = false;
  #arrived = [];
  #untaken = 0;
  #complaint = 'the connection broke';

  constructor(host, id, { uri, protocols }, { WebSocket }) {
    this.#host = host;
    this.#id = id;
    this.#socket = new WebSocket(uri.replace(/^http/, 'ws'), protocols);
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.onopen = () => {
      this.#isOpen = true;
      host.tell((events) => events.opened(id, this.#socket.protocol));
    };
    this.#socket.onmessage = ({ data }) => this.#receive(data);
    this.#socket.onerror = ({ message }) => {
      this.#complaint = message || this.#complaint;
      // Of a handshake that failed some implementations say nothing more.
      if (!this.#isOpen) this.#close(false);
    };
    this.#socket.onclose = ({ code, wasClean }) => this.#close(wasClean && code !== 1006);
  }

  #receive(data) {
    const length = data.length ?? data.byteLength;
    this.#untaken += length;
    if (this.#untaken > MOST_UNTAKEN) {
      this.#arrived = [];
      this.#complaint = `more than ${MOST_UNTAKEN} bytes came that the guest did not take`;
      this.#close(false);
      return this.#socket.close();
    }
    this.#arrived.push((events) => {
      this.#untaken -= length;
      events.message(this.#id, data);
    });
    this.#pass();
  }

  #close(clean) {
    if (this.#isOver) return;
    this.#isOver = true;
    const kind = this.#isOpen ? FAILURES.interrupted : FAILURES.connect;
    this.#arrived.push((events) => {
      this.#host.forget(this.#id);
      if (clean && this.#isOpen) events.end(this.#id);
      else events.failed(this.#id, kind, `the WebSocket was closed: ${this.#complaint}`);
    });
    if (!this.#isOpen) this.#isWanted = true; // the guest waits for it to open
    this.#pass();
  }

  #pass() {
    if (!this.#isWanted || this.#arrived.length === 0) return;
    this.#isWanted = false;
    this.#host.tell(this.#arrived.shift());
  }

  take() {
    if (!this.#isOpen && !this.#isOver) throw new Error('it asks for a message before the socket is open');
    if (this.#isWanted) throw new Error('it asks for a message before the last was there');
    this.#isWanted = true;
    this.#pass();
  }

  give(message) {
    this.#fill();
    if (!this.#isOver) this.#socket.send(message);
    this.#confirm();
  }

  #fill() {
    if (!this.#isOpen || this.#isFull) throw new Error('it gives a message before the socket was open, or the last was through');
    this.#isFull = true;
  }

  #confirm() {
    if (!this.#isOver && this.#socket.bufferedAmount > MOST_UNSENT) return void setTimeout(() => this.#confirm(), 5);
    this.#isFull = false;
    this.#host.tell((events) => events.taken(this.#id));
  }

  finish() {
    this.#fill();
    this.#socket.close();
    this.#host.tell((events) => events.taken(this.#id));
  }

  drop() {
    this.#isOver = true;
    this.#socket.close();
  }
}

/** Node tells why a fetch failed; a page does not, nor whether the request was sent. */
function kindOf(error, method) {
  const code = error.cause?.code ?? '';
  if (/^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/.test(code)) return FAILURES.connect;
  if (/^HPE_/.test(code)) return FAILURES.protocol;
  if (/CERT|^ERR_TLS|SELF_SIGNED/.test(code)) return FAILURES.tls;
  return code === '' && ['GET', 'HEAD'].includes(method) ? FAILURES.connect : FAILURES.interrupted;
}

function reasonOf(error) {
  return error.cause?.message || error.message;
}
