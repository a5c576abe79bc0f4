// The dashboard (web-demo) as a test holds it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { closeAfter, openPage } from './chromium.mjs';
import { serveFiles } from './files.mjs';
import { until } from './waiting.mjs';

const ROOT = join(import.meta.dirname, '../..');
// Evaluated by the browser's debugger, so that the page's policy stays as it is.
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const OUTPUT = join(ROOT, 'tests/output');

/** The options of a page on a phone. */
export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true };

/** Builds the page as `cargo xtask demo` does and returns its directory. */
export function buildDashboard() {
  const printed = execFileSync('cargo', ['xtask', 'demo', '--build-only'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return printed.trim().split('\n').pop();
}

/** Opens the page at `base` (as `kubectl proxy` serves it) with `hash`; at the end of test `t` it is closed. */
export async function openDashboard(t, browser, base, hash = '#/', { query = 'source=proxy', ...options } = {}) {
  const page = await openPage(browser, `${base}?${query}${hash}`, options);
  t.after(() => t.passed || shoot(page, `failed ${t.name}`));
  closeAfter(t, page);
  return {
    page,
    /** Goes to another place in the page. */
    go: (hash) => page.evaluate((hash) => void (location.hash = hash), hash),
    /** What the connection badge says: connecting, live, stale, refused, retrying. */
    connection: () => page.getByTestId('connection').getAttribute('data-state'),
    reaches: (state, within = 60_000) => page.waitForSelector(`[data-testid=connection][data-state=${state}]`, { timeout: within }),
    /** Waits, in the page and frame by frame, for a row; resolves to the moment it is there as asked. */
    row: (key, { other, gone = false } = {}) => page.evaluate(([key, other, gone]) => new Promise((resolve, reject) => {
      const deadline = Date.now() + 60_000;
      const look = () => {
        const row = document.querySelector(`[data-testid=row][data-key="${CSS.escape(key)}"]`);
        const there = gone ? !row : row && row.dataset.version !== other;
        if (there) return resolve({ at: Date.now(), version: row?.dataset.version });
        if (Date.now() > deadline) return reject(new Error(`no ${gone ? 'end of the ' : ''}row ${key} within 60 s`));
        requestAnimationFrame(look);
      };
      look();
    }), [key, other, gone]),
    /** Waits for a notice of this title. */
    told: (title) => page.getByTestId('notice').locator('strong', { hasText: title }).waitFor({ timeout: 60_000 }),
    /** The keys of the rows in view. */
    keys: () => page.locator('[data-testid=row]').evaluateAll((rows) => rows.map((row) => row.dataset.key)),
    /** The wire panel's lines: kind, state, relists, events. The panel must be open. */
    wire: () => page.getByTestId('wire-informer').evaluateAll((lines) => lines.map((line) => ({
      kind: line.dataset.kind,
      state: line.dataset.state,
      relists: Number(line.querySelector('[data-testid=wire-relists]').textContent),
      events: Number(line.querySelector('[data-testid=wire-events]').textContent),
      error: line.querySelector('[data-testid=wire-error]').textContent,
    }))),
    /** Waits until the table shows exactly these keys. */
    async shows(keys) {
      const wanted = JSON.stringify([...keys].sort());
      await until(`the rows ${wanted}`, async () => JSON.stringify((await this.keys()).sort()) === wanted, {
        show: () => this.keys(),
      });
    },
    shoot: (name) => shoot(page, name),
    /** Fails with what axe-core finds in the view `name`. */
    async faultless(name) {
      if (!(await page.evaluate('typeof axe === "object"'))) await page.evaluate(AXE);
      const faults = await page.evaluate(async () => {
        const { violations } = await axe.run(document, { resultTypes: ['violations'] });
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join('; ')}`);
      });
      assert.deepEqual(faults, [], name);
    },
  };
}

/** The page in `directory` on the cluster in memory, live; nothing changes there by itself unless `query` says so. */
export async function inMemory(t, browser, directory, hash, { query = 'source=memory&rate=0', ...options } = {}) {
  const files = await serveFiles(t, directory);
  const dashboard = await openDashboard(t, browser, files.page, hash, { query, ...options });
  await dashboard.reaches('live');
  return dashboard;
}

/** Keeps a picture under tests/output. */
async function shoot(page, name) {
  mkdirSync(OUTPUT, { recursive: true });
  await page.screenshot({ path: join(OUTPUT, `${name.replace(/[^a-z0-9]+/gi, '-')}.png`) });
}
