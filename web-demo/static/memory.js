// The cluster in memory as a page sees any server: by a `fetch` and a `WebSocket`, of the module `cluster`.
import init, { Cluster } from './cluster.js';

/** The codes of answers that have no body. */
const BODILESS = [204, 205, 304];

/** Plants a cluster of about `pods` pods with `rate` changes a second, made of `seed`. */
export async function plant(pods, rate, seed) {
  await init();
  const cluster = await Cluster.plant(pods, rate, seed);
  return {
    fetch: (request) => answered(cluster, request),
    WebSocket: class extends MemorySocket {
      constructor(address, protocols) {
        super(cluster.connect(address, protocols));
      }
    },
  };
}

/** The `Response` to `request`: its body is made as it is read, and ends when the request is aborted. */
async function answered(cluster, request) {
  const body = new Uint8Array(await request.arrayBuffer());
  const answer = await cluster.send(request.method, request.url, [...request.headers].flat(), body);
  const { status, headers } = answer;
  const close = () => answer.close();
  request.signal.addEventListener('abort', close);
  if (request.signal.aborted) close();
  const pull = async (controller) => {
    const piece = await answer.next();
    if (piece) controller.enqueue(piece);
    else controller.close();
  };
  const stream = BODILESS.includes(status) ? null : new ReadableStream({ pull, cancel: close }, { highWaterMark: 0 });
  return new Response(stream, { status, headers });
}

/** As much of a WebSocket as Portolan's transport uses. */
class MemorySocket {
  protocol = '';
  bufferedAmount = 0;
  #channel;
  #sent = Promise.resolve();

  constructor(channel) {
    this.#channel = channel;
    this.#run();
  }

  send(data) {
    // Its sender goes on to use the memory.
    const copy = typeof data === 'string' ? data : data.slice();
    this.#sent = this.#sent.then(async () => (await this.#channel).send(copy)).catch(() => this.close());
  }

  close() {
    this.#channel.then((channel) => channel.close(), () => {});
  }

  async #run() {
    try {
      const channel = await this.#channel;
      this.protocol = channel.protocol;
      this.onopen?.();
      for (let data; (data = await channel.next()) !== undefined; ) this.onmessage?.({ data });
      this.onclose?.({ code: 1000, reason: '' });
    } catch (error) {
      this.onclose?.({ code: 1006, reason: error.message });
    }
  }
}
