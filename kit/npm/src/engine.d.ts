// The WebAssembly module's own interface (kit/src/engine.rs), as wasm-bindgen writes it beside these files.

/** Loads the module. */
export default function init(options: { module_or_path: URL | BufferSource }): Promise<unknown>;

/** Told of a panic, after which the module is not to be used any more. */
export function onPanic(report: (message: string) => void): void;

export class Engine {
  /** Throws a failure as JSON. */
  constructor(settings: string, fetch: unknown, webSocket: unknown, keeper: unknown);
  session(send: (id: number, kind: 'next' | 'done' | 'fail', payload: unknown) => void): Session;
  free(): void;
}

export class Session {
  call(id: number, operation: string, settings: string): void;
  push(id: number, what: unknown): void;
  read(id: number): void;
  cancel(id: number): void;
  free(): void;
}
