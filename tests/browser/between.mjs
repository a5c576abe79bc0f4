// A wire between the page and `kubectl proxy` that a test can take away without either end being told: what a network
// change or a laptop's sleep does to open connections.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

/** Listens on a free port and passes everything on to `port`, over TLS when `secure`. */
export async function between(port, { secure = false } = {}) {
  const pairs = new Set();
  const server = createServer((near) => {
    const far = secure ? connectSecurely({ port, host: '127.0.0.1', rejectUnauthorized: false }) : connect(port, '127.0.0.1');
    const pair = [near, far];
    pairs.add(pair);
    near.pipe(far);
    far.pipe(near);
    const over = () => {
      near.destroy();
      far.destroy();
      pairs.delete(pair);
    };
    for (const end of pair) end.on('error', over).on('close', over);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${server.address().port}`;
  return {
    address,
    page: `${address}/portolan/`,
    /** The connections of this moment carry nothing any more, and neither end hears of it. New ones work. */
    stall() {
      const stalled = pairs.size;
      for (const [near, far] of pairs) {
        near.unpipe(far);
        far.unpipe(near);
        near.pause();
        far.pause();
      }
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
