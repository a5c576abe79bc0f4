// Starts the system's Chromium under playwright-core, which downloads nothing.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const FLAGS = [
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

const executablePath = process.env.CHROMIUM ?? PATHS.find((path) => existsSync(path));

/** A headless browser with a profile of its own. `CHROMIUM` names one outside the usual places. */
export async function launch(options = {}) {
  return (await launchProcess(options)).browser;
}

/** The same, with its process: the leader of a group that holds every process of the browser. */
export async function launchProcess(options = {}) {
  if (!executablePath) throw new Error('no Chromium: `cargo xtask setup` installs it, or name it in CHROMIUM');
  const chromiumSandbox = process.getuid?.() !== 0; // as root there is none
  const server = await chromium.launchServer({ executablePath, chromiumSandbox, args: FLAGS, host: '127.0.0.1', ...options });
  const browser = await chromium.connect(server.wsEndpoint());
  browser.on('disconnected', () => server.close());
  return { browser, process: server.process() };
}

/** A page that keeps what its console and its errors say, for a failing test to show; `first` runs in it before all else. */
export async function openPage(browser, address, { first, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  await page.addInitScript(countHandshakes);
  if (first) await page.addInitScript(first);
  page.said = [];
  page.on('console', (message) => page.said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => page.said.push(`error: ${error.message}`));
  await page.goto(address);
  return page;
}

/** Closes `page` at the end of test `t`; if that failed, prints what the page said. */
export function closeAfter(t, page) {
  t.after(async () => {
    if (!t.passed) console.log(page.said.slice(-20).join('\n'));
    await page.context().close();
  });
}

/** The WebSockets of `page`, from now on, on which the server says 410. */
export function toldGone(page) {
  const gone = [];
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => {
    if (String(payload).includes('"code":410')) gone.push(socket.url());
  }));
  return gone;
}

/** Runs in the page before all else: counts the WebSockets that are in their handshake. */
function countHandshakes() {
  let pending = 0;
  globalThis.mostPending = 0;
  globalThis.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      pending += 1;
      globalThis.mostPending = Math.max(globalThis.mostPending, pending);
      const over = () => {
        pending -= 1;
        this.removeEventListener('open', over);
        this.removeEventListener('close', over);
      };
      this.addEventListener('open', over);
      this.addEventListener('close', over);
    }
  };
}
