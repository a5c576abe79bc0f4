// Builds tests/browser/page, Portolan in a page without a user interface, into a directory for `kubectl proxy --www`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildModule, target } from './building.mjs';

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
  const directory = join(target(), 'browser-page');
  mkdirSync(directory, { recursive: true });
  buildModule('browser-page', directory);
  writeFileSync(join(directory, 'index.html'), PAGE);
  writeFileSync(join(directory, 'worker.js'), WORKER);
  return directory;
}
