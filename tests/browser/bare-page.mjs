// Builds tests/browser/page, Portolan in a page without a user interface, into a directory for `kubectl proxy --www`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cargo, target } from './building.mjs';

const PAGE = `<!doctype html>
<meta charset="utf-8">
<title>Portolan, bare</title>
<script type="module">
  import init, * as bare from './browser_page.js';
  globalThis.memory = (await init()).memory;
  globalThis.bare = bare;
  globalThis.Tab = bare.Tab;
  document.title = 'ready';
</script>
`;

const WORKER = `import init, * as bare from './browser_page.js';
const ready = init();
onmessage = async ({ data: [id, body] }) => {
  await ready;
  try {
    postMessage([id, await new Function('bare', 'state', 'return (async () => {' + body + '})()')(bare, self)]);
  } catch (error) {
    postMessage([id, undefined, String(error)]);
  }
};
`;

/** Returns the directory. */
export function buildBarePage() {
  cargo('build', '--package=browser-page', '--target=wasm32-unknown-unknown');
  const wasm = join(target(), 'wasm32-unknown-unknown/debug/browser_page.wasm');
  const directory = join(target(), 'browser-page');
  mkdirSync(directory, { recursive: true });
  const flags = ['--target=web', '--no-typescript', `--out-dir=${directory}`, wasm];
  cargo('run', '--quiet', '--package=wasm-runner', '--bin=bindgen', '--', ...flags);
  writeFileSync(join(directory, 'index.html'), PAGE);
  writeFileSync(join(directory, 'worker.js'), WORKER);
  return directory;
}
