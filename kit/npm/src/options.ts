// What a caller hands in, before anything is read of it.
import { ConfigError } from './errors.js';

/** Options that can be read; null and what else is no object is refused, with `such` as what they are. @internal */
export function optionsOf<O extends object>(options: O, such = '{ signal }'): O {
  if (typeof options === 'object' && options !== null) return options;
  throw new ConfigError(`the options are an object such as ${such}, not ${options === null ? 'null' : `a value of type ${typeof options}`}`);
}
