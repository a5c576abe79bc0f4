// Logs, and commands run in containers.
import './dispose.js';
import { type Caller, pinned } from './caller.js';
import { ClosedError } from './errors.js';
import { Feed } from './feed.js';

/** Which part of a container's logs. */
export interface LogOptions {
  namespace?: string;
  /** The server takes the only one where there is one, and refuses otherwise. */
  container?: string;
  /** Whether to go on with what is written from now on, until the container ends. */
  follow?: boolean;
  /** Whether to give the logs of the run before the present one. */
  previous?: boolean;
  sinceSeconds?: number;
  /** Whether each line begins with its time. */
  timestamps?: boolean;
  /** At most so many lines from the end. */
  tailLines?: number;
  limitBytes?: number;
  signal?: AbortSignal;
}

/** Lines, for a `for await`. @internal */
export function openLogs(caller: Caller, pod: string, { signal, ...options }: LogOptions): Feed<string> {
  const settings = { pod, ...options };
  return new Feed<string>(caller, { operation: 'logs', settings: () => settings, repeats: false }, (payload) => payload as string[], { signal });
}

/** Which command, where. */
export interface ExecOptions {
  namespace?: string;
  container?: string;
  /** The program and its arguments; there is no shell unless it is one. */
  command: string[];
  /** Whether the command has an input: see `write` and `end`. */
  stdin?: boolean;
  /** Whether it has a terminal; both outputs are then `stdout`. */
  tty?: boolean;
  signal?: AbortSignal;
}

/** A piece of what a command wrote. */
export interface Output {
  stream: 'stdout' | 'stderr';
  bytes: Uint8Array;
}

/** A command in a container: what it writes, for a `for await`; what goes to it; and how it ended. */
export class Exec implements AsyncIterable<Output>, Disposable {
  readonly #caller: Caller;
  readonly #output: Feed<Output>;
  readonly #exitCode: Promise<number>;
  #ended = false;

  /** @internal */
  constructor(caller: Caller, pod: string, { signal, ...options }: ExecOptions) {
    this.#caller = caller;
    let resolve: (code: number) => void = () => {};
    let reject: (error: unknown) => void = () => {};
    this.#exitCode = new Promise<number>((...both) => ([resolve, reject] = both));
    this.#exitCode.catch(() => {}); // Who reads the output is told as well.
    const settings = { pod, ...options };
    this.#output = new Feed<Output>(
      caller,
      { operation: 'exec', settings: () => settings, repeats: false },
      (payload) => {
        const [stream, bytes] = payload as ['stdout' | 'stderr', Uint8Array];
        return [{ stream, bytes }];
      },
      { signal, done: (code) => resolve(code as number), failed: reject },
    );
  }

  /** Its exit code, once it has ended. Fails when it does not run, the connection breaks, or this is closed or its loop left. */
  get exitCode(): Promise<number> {
    // Who waits for it has not dropped this, though nothing else may refer to it.
    pinned.add(this);
    const unpin = () => pinned.delete(this);
    this.#exitCode.then(unpin, unpin);
    return this.#exitCode;
  }

  /** Feeds its input. */
  write(what: Uint8Array | string): void {
    if (this.#ended) throw new ClosedError('the input of this command has ended');
    this.#caller.push(this.#output.id, typeof what === 'string' ? new TextEncoder().encode(what) : what);
  }

  /** Ends its input. */
  end(): void {
    this.#ended = true;
    this.#caller.push(this.#output.id, null);
  }

  /** Tells it the size of its terminal. */
  resize(columns: number, rows: number): void {
    this.#caller.push(this.#output.id, JSON.stringify({ columns, rows }));
  }

  /** Waits for its end and gives all it wrote, as text. */
  async collect(): Promise<{ stdout: string; stderr: string; exitCode: number }> {
    const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
    const texts = { stdout: '', stderr: '' };
    for await (const { stream, bytes } of this.#output) texts[stream] += decoders[stream].decode(bytes, { stream: true });
    return { ...texts, exitCode: await this.exitCode };
  }

  [Symbol.asyncIterator](): Feed<Output> {
    return this.#output;
  }

  /** Ends the connection; the server then ends the command as soon as it writes or has a terminal. */
  close(): void {
    this.#ended = true;
    this.#output.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
