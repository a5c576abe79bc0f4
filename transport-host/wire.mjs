// What a guest and its host say to each other, as bytes: the JavaScript side of src/wire.rs.

export const VERSION = 1;

export const WATCH_OVER = { http: 0, socket: 1, socketThenHttp: 2 };

/** How an exchange failed, told by what a retry would mean (`portolan::TransportErrorKind`, and what is no matter of transport). */
export const FAILURES = { connect: 0, tls: 1, interrupted: 2, protocol: 3, tooLarge: 4, api: 5, unsupported: 6 };

/** Appends to a message. */
export class Writer {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get isEmpty() {
    return this.#length === 0;
  }

  finish() {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(by) {
    const needed = this.#length + by;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.finish());
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    const at = this.#length;
    this.#length = needed;
    return at;
  }

  u8(number) {
    const at = this.#grow(1);
    this.#view.setUint8(at, number);
    return this;
  }

  u16(number) {
    const at = this.#grow(2);
    this.#view.setUint16(at, number, true);
    return this;
  }

  u32(number) {
    const at = this.#grow(4);
    this.#view.setUint32(at, number, true);
    return this;
  }

  u64(number) {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, number, true);
    return this;
  }

  bytes(bytes) {
    this.u32(bytes.length);
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  text(text) {
    return this.bytes(new TextEncoder().encode(text));
  }

  head(id, status, headers) {
    this.u8(1).u32(id).u16(status).u32(headers.length);
    headers.forEach(([name, value]) => this.text(name).text(value));
  }

  opened(id, protocol) {
    this.u8(2).u32(id).u8(protocol ? 1 : 0);
    if (protocol) this.text(protocol);
  }

  chunk(id, bytes) {
    this.u8(3).u32(id).u8(0).bytes(bytes);
  }

  message(id, data) {
    this.u8(3).u32(id);
    if (typeof data === 'string') this.u8(1).text(data);
    else this.u8(2).bytes(new Uint8Array(data));
  }

  end(id) {
    this.u8(4).u32(id);
  }

  failed(id, kind, message) {
    this.u8(5).u32(id).u8(kind).text(message);
  }

  status(id, code, reason, message) {
    this.failed(id, FAILURES.api, JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code, reason, message }));
  }

  taken(id) {
    this.u8(6).u32(id);
  }
}

/** Takes a message apart, front to back; what is too short throws a RangeError. */
export class Reader {
  #bytes;
  #view;
  #at = 0;

  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get isAtEnd() {
    return this.#at === this.#bytes.length;
  }

  #pass(by) {
    const at = this.#at;
    if (at + by > this.#bytes.length) throw new RangeError('a message is too short');
    this.#at += by;
    return at;
  }

  u8() {
    return this.#view.getUint8(this.#pass(1));
  }

  u32() {
    return this.#view.getUint32(this.#pass(4), true);
  }

  u64() {
    return this.#view.getBigUint64(this.#pass(8), true);
  }

  bytes() {
    const length = this.u32();
    const at = this.#pass(length);
    return this.#bytes.subarray(at, at + length);
  }

  text() {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.bytes());
  }

  maybe(read) {
    return this.u8() === 1 ? read() : undefined;
  }

  list(read) {
    return Array.from({ length: this.u32() }, read);
  }

  headers() {
    // Latin-1, as fetch wants header values.
    return this.list(() => [this.text(), String.fromCharCode(...this.bytes())]);
  }

  request() {
    const [method, uri, headers] = [this.text(), this.text(), this.headers()];
    const kind = this.u8();
    return { method, uri, headers, body: kind === 1 ? this.bytes() : undefined, inPieces: kind === 2 };
  }

  handshake() {
    const [uri, headers] = [this.text(), this.headers()];
    return { method: 'GET', uri, headers, protocols: this.list(() => this.text()) };
  }

  piece() {
    const kind = this.u8();
    return kind === 1 ? this.text() : this.bytes();
  }
}
