// WASI components under Node, by jco.
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { transpile } from '@bytecodealliance/jco-transpile';
import { components, suite } from './suite.mjs';

/** Makes JavaScript of a component, as `jco transpile` does, and a program that runs it. */
async function translate(component) {
  const name = basename(component, '.wasm');
  const outDir = join(import.meta.dirname, 'node_modules/.components', name); // from here the shims are found
  const { files } = await transpile(component, { outDir });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  const program = join(outDir, 'run.mjs');
  const entry = Object.keys(files).find((path) => path.endsWith(`${name}.js`));
  await writeFile(program, `// Runs the component.\nimport { run } from ${JSON.stringify(entry)};\nrun.run();\n`);
  return [process.execPath, program];
}

suite(components(translate), {
  'dropping a body ends the exchange': 'nothing came', // jco goes on with what its component has dropped
  'dropping a future ends the exchange': 'nothing came',
  'an answer that is not HTTP is told': 'Transport(Interrupted) instead of [Protocol]', // an internal error of the host's
});
