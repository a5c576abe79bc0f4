// What differs between a browser and Node: where the module comes from, how WebSockets are made, and what is free.
// A browser, with or without a bundler, is what is meant unless `node.ts` says otherwise.
import type { Settings } from './settings.js';

/** @internal */
export interface Platform {
  /** The engine's module. */
  wasm(): Promise<URL | BufferSource>;
  /** A constructor in place of the global `WebSocket`; `undefined` for that one. */
  webSocket(): Promise<unknown>;
  /** A function in place of the global `fetch`; `undefined` for that one. */
  fetch: ((request: Request) => Promise<Response>) | undefined;
  /** Whether an engine that nobody calls on any more goes on for `linger`. */
  lingers: boolean;
  /** The server when none is named. */
  ownServer(): string | undefined;
  /** How watches go. */
  watches: Pick<Settings, 'watchOver' | 'boundsStreams'>;
}

/** @internal */
export let platform: Platform = {
  wasm: () => Promise.resolve(new URL('./engine_bg.wasm', import.meta.url)),
  webSocket: () => Promise.resolve(undefined),
  fetch: undefined,
  lingers: true,
  // Where the page came from: `kubectl proxy --www` serves the API there too.
  ownServer: () => (globalThis.location?.origin === 'null' ? undefined : globalThis.location?.origin),
  // A browser opens six connections to a host for all its tabs, and WebSockets beside them.
  watches: { watchOver: 'either', boundsStreams: true },
};

/** Says where this runs. @internal */
export function runOn(other: Platform): void {
  platform = other;
}
