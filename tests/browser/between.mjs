// A wire between the page and `kubectl proxy` that a test can take away without either end being told: what a network
// change or a laptop's sleep does to open connections. Or it is a bad one, which cuts, truncates, stalls and slows.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

const FAULTS = ['cut', 'truncated', 'stalled', 'slowed'];

/** Listens on a free port and passes everything on to `port`, over TLS when `secure`. */
export async function between(port, { secure = false } = {}) {
  const pairs = new Set();
  const line = { oneIn: 0, seed: 1, turn: 0, met: Object.fromEntries(FAULTS.map((fault) => [fault, 0])) };
  const server = createServer((near) => {
    const far = secure ? connectSecurely({ port, host: '127.0.0.1', rejectUnauthorized: false }) : connect(port, '127.0.0.1');
    const pair = [near, far];
    pairs.add(pair);
    const over = () => {
      near.destroy();
      far.destroy();
      pairs.delete(pair);
    };
    pass(near, far, line, over);
    pass(far, near, line, over);
    for (const end of pair) end.on('error', over).on('close', over);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${server.address().port}`;
  return {
    address,
    page: `${address}/portolan/`,
    /** How often each fault was met. */
    met: line.met,
    /** From now on one piece in so many meets a fault; 0 is a good line again, seconds later, when no fault lasts any more. */
    bad(oneIn) {
      line.oneIn = oneIn;
    },
    /** Closes the connections of this moment. */
    cut() {
      for (const pair of pairs) for (const end of pair) end.destroy();
    },
    /** The connections of this moment carry nothing any more, and neither end hears of it. New ones work. */
    stall() {
      const stalled = pairs.size;
      for (const pair of pairs) pair.forEach(silence);
      return stalled;
    },
    async stop() {
      for (const [near, far] of pairs) {
        near.destroy();
        far.destroy();
      }
      server.close();
      await once(server, 'close');
    },
  };
}

/** How long a stalled connection lasts, and a slowed one stays slow, in milliseconds. */
const FAULT_LASTS = 4000;

/** Carries what `from` says to `to`, unless the line is bad; `over` ends the connection. */
function pass(from, to, line, over) {
  let slowUntil = 0;
  from.on('data', (piece) => {
    const fault = chance(line);
    if (fault === 'cut') return over();
    if (fault === 'truncated') return to.write(piece.subarray(0, piece.length >> 1), over);
    if (fault === 'stalled') {
      [from, to].forEach(silence);
      return setTimeout(over, FAULT_LASTS).unref();
    }
    if (fault === 'slowed') slowUntil = Date.now() + FAULT_LASTS;
    if (Date.now() < slowUntil) {
      from.pause();
      return trickle(piece, to, slowUntil, () => from.resume());
    }
    if (!to.write(piece)) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  });
  from.on('end', () => to.end());
}

/** Reads nothing any more from `end`. */
function silence(end) {
  end.removeAllListeners('data').removeAllListeners('drain').pause();
}

/** Sends `piece` in small ones, with a rest after each, and from a moment on what is left of it at once. */
function trickle(piece, to, until, done) {
  if (piece.length === 0 || to.destroyed) return done();
  const size = Date.now() < until ? 256 : piece.length;
  to.write(piece.subarray(0, size));
  setTimeout(trickle, 20, piece.subarray(size), to, until, done);
}

/** The fault that the next piece meets, most often none: whether by xorshift, for variety, and which in turns. */
function chance(line) {
  if (line.oneIn === 0) return undefined;
  line.seed ^= line.seed << 13;
  line.seed ^= line.seed >>> 17;
  line.seed ^= line.seed << 5;
  if ((line.seed >>> 0) % line.oneIn > 0) return undefined;
  const fault = FAULTS[line.turn % FAULTS.length];
  line.turn += 1;
  line.met[fault] += 1;
  return fault;
}
