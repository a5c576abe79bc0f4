// Portolan in Node: the same, told where it runs.
import { readFile } from 'node:fs/promises';
import { runOn } from './platform.js';

type WebSocketOfWs = new (address: string, protocols: string[], options: { origin: string }) => { on(name: 'error', listener: () => void): unknown };

runOn({
  wasm: async () => new Uint8Array(await readFile(new URL('./engine_bg.wasm', import.meta.url))),
  webSocket,
  fetch: (request) => fetch(request).catch(explain),
  // The program is to end with its last client.
  lingers: false,
  ownServer: () => undefined,
  // As the bodies of answers where there is no `ws`: Node holds as many as there are.
  watches: { watchOver: 'http', boundsStreams: false },
});

export * from './index.js';

/** Node tells why nobody answered in the cause alone. */
function explain(error: Error): never {
  const { cause } = error;
  throw cause instanceof Error ? new TypeError(`${error.message}: ${cause.message || (cause as { code?: string }).code}`, { cause }) : error;
}

/** That of the package `ws`, told the Origin that an API server wants to hear; `undefined` where it is not installed. */
async function webSocket(): Promise<unknown> {
  const name: string = 'ws'; // Not a literal: it is optional.
  const found = await import(name).then((ws: { WebSocket: WebSocketOfWs }) => ws.WebSocket, () => undefined);
  if (!found) return undefined;
  return class extends found {
    constructor(address: string, protocols: string[]) {
      super(address, protocols, { origin: new URL(address).origin.replace(/^ws/, 'http') });
      // Told by its close too; without a listener Node would end the program.
      this.on('error', () => {});
    }
  };
}
