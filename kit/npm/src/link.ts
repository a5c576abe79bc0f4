// The way to an engine, wherever it runs.
import { open, type Send } from './host.js';
import type { Functions, Mode, Settings } from './settings.js';

/** What a caller says to its session. @internal */
export type Said =
  | ['call', id: number, operation: string, settings: string]
  | ['push', id: number, what: unknown]
  | ['read', id: number]
  | ['cancel', id: number];

/** An open way. @internal */
export interface Link {
  readonly mode: Mode;
  say(said: Said): void;
  close(): void;
}

/** Hands what was said to a session. @internal */
export function obey(session: { [name in Said[0]]: (...rest: never[]) => void }, [name, ...rest]: Said): void {
  (session[name] as (...rest: unknown[]) => void).call(session, ...rest);
}

/** Opens a link to an engine in this page or program. @internal */
export async function openHere(settings: Settings, functions: Functions | undefined, send: Send, lost: (why: string) => void): Promise<Link> {
  const { session, close } = await open(settings, functions, send, lost);
  return { mode: 'page', say: (said) => obey(session, said), close };
}
