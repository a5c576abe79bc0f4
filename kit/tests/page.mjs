// A page without a bundler that has the packed package, as `kubectl proxy --www` serves it.
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPage } from '../../tests/browser/chromium.mjs';
import { install, pack, temporary } from './package.mjs';

const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ws:";

const page = (workers) => `<!doctype html>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}; worker-src ${workers}">
<title>portolan</title>
<script type="module" src="app.js"></script>
`;

const APP = `import * as portolan from './portolan/dist/index.js';
globalThis.portolan = portolan;
globalThis.begin?.(portolan);
document.title = 'ready';
`;

/** Builds it; \`no-workers.html\` is the same under a policy that forbids workers. */
export function buildPage() {
  const project = install(pack());
  const directory = temporary('portolan-page-');
  cpSync(join(project, 'node_modules/portolan'), join(directory, 'portolan'), { recursive: true });
  writeFileSync(join(directory, 'index.html'), page("'self'"));
  writeFileSync(join(directory, 'no-workers.html'), page("'none'"));
  writeFileSync(join(directory, 'app.js'), APP);
  return directory;
}

/** Opens it as one more tab of `context`, or as the first of a new one; at the end of test `t` it is closed. `first` runs in it before all else. */
export async function openTab(t, browser, address, context, first) {
  const tab = context ? await context.newPage() : await openPage(browser, address, { first });
  if (context) {
    if (first) await tab.addInitScript(first);
    tab.said = [];
    tab.on('console', (message) => tab.said.push(`${message.type()}: ${message.text()}`));
    tab.on('pageerror', (error) => tab.said.push(`error: ${error.message}`));
    await tab.goto(address);
  } else t.after(() => tab.context().close());
  t.after(() => {
    if (!t.passed) console.log(tab.said.slice(-20).join('\n'));
  });
  await tab.waitForFunction(() => document.title === 'ready');
  return tab;
}
