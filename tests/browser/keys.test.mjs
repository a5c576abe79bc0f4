// The keyboard: each key does what the help says of it, and whatever can be pressed can be reached without a pointer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aroundPages } from './around.mjs';
import { buildDashboard, inMemory } from './dashboard.mjs';
import { VIEWS, show } from './views.mjs';
import { until } from './waiting.mjs';

let browser, directory;

aroundPages(buildDashboard, (made) => ({ browser, directory } = made));

/** The keys of the help, each with what it does, tried on the page. */
const DOES = {
  '/': async ({ at, press, focus }) => {
    await at('#/pods');
    await press('/');
    assert.equal(await focus(), 'filter');
  },
  ':': async ({ at, press, there }) => {
    await at('#/pods');
    await press(':');
    await there('jump-choice');
  },
  'Ctrl K': async ({ at, press, there, page }) => {
    await at('#/pods');
    await page.getByTestId('filter').focus();
    await press('Control+k');
    await there('jump-choice');
  },
  'j ↓': ({ selects }) => selects(['j', 'ArrowDown', 'j'], 2),
  'k ↑': ({ selects }) => selects(['j', 'j', 'j', 'k', 'ArrowUp'], 0),
  g: async ({ selects }) => {
    await selects(['j', 'j', 'g'], 0);
    await selects(['j', 'j', 'Home'], 0);
  },
  G: async ({ selects }) => {
    await selects(['G'], -1);
    await selects(['End'], -1);
  },
  Enter: async ({ row, press, there }) => {
    await row('#/pods');
    await press('Enter');
    await there('detail');
  },
  Esc: async ({ row, press, there, gone }) => {
    await row('#/pods');
    await press('Enter');
    await there('detail');
    await press('Escape');
    await gone('detail');
  },
  y: ({ shows }) => shows('#/pods', 'y', 'yaml'),
  e: ({ shows }) => shows('#/pods', 'e', 'editor'),
  l: ({ shows }) => shows('#/pods', 'l', 'log'),
  s: ({ shows }) => shows('#/pods', 's', 'terminal'),
  u: ({ shows }) => shows('#/pods', 'u', 'owner'),
  x: async ({ row, there, press, page }) => {
    await row('#/secrets');
    await press('y');
    await there('yaml');
    const masked = async () => /masked/.test(await page.getByTestId('yaml').innerText());
    assert.ok(await masked());
    await press('x');
    await until('values', async () => !(await masked()));
  },
  S: ({ asks }) => asks('#/deployments.apps', 'S', 'Scale'),
  R: ({ asks }) => asks('#/deployments.apps', 'R', 'Restart'),
  C: ({ asks }) => asks('#/nodes', 'C', 'Cordon'),
  D: ({ asks }) => asks('#/pods', 'D', 'Delete'),
  w: async ({ at, press, there, gone }) => {
    await at('#/pods');
    await press('w');
    await there('wire');
    await press('w');
    await gone('wire');
  },
  o: async ({ at, press, there }) => {
    await at('#/pods');
    await press('o');
    await there('overview');
  },
  v: async ({ at, press, there }) => {
    await at('#/pods');
    await press('v');
    await there('naming');
  },
  t: async ({ at, press, page }) => {
    await at('#/pods');
    const theme = () => page.locator('html').getAttribute('data-theme');
    const seen = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const before = await theme();
      await press('t');
      await until('another theme', async () => (await theme()) !== before);
      seen.push(await theme());
    }
    assert.deepEqual(seen.sort(), ['auto', 'dark', 'light']);
  },
  '?': async ({ at, press, there, gone }) => {
    await at('#/pods');
    await press('?');
    await there('help');
    await press('?');
    await gone('help');
  },
};

/** What the keys are tried with. */
function hands({ page, go }) {
  const there = (testid) => page.getByTestId(testid).first().waitFor();
  const gone = (testid) => until(`no ${testid}`, async () => (await page.getByTestId(testid).count()) === 0);
  const press = (key) => page.keyboard.press(key);
  const selected = () => page.locator('[data-testid=row][aria-selected=true]');
  /** At `hash`, with nothing open or selected. */
  const at = async (hash) => {
    await press('Escape');
    await press('Escape');
    await go('#/');
    await there('overview');
    await go(hash);
    await there('row');
  };
  const row = async (hash) => {
    await at(hash);
    await press('j');
    await selected().waitFor();
  };
  return {
    page, at, row, there, gone, press,
    focus: () => page.evaluate(() => document.activeElement.id),
    /** Which row the keys select: its place, the last one's when that is negative. */
    async selects(pressed, place) {
      await at('#/pods');
      for (const key of pressed) await press(key);
      const rows = Number(await page.getByTestId('table').getAttribute('aria-rowcount'));
      const wanted = place < 0 ? rows - 1 : place;
      const found = () => selected().evaluateAll(([row]) => row && Number(row.getAttribute('aria-rowindex')) - 2);
      await until(`row ${wanted} selected`, async () => (await found()) === wanted, { show: found });
    },
    async shows(hash, key, testid) {
      await row(hash);
      await press(key);
      await there(testid);
      await page.getByTestId('facts-switch').click(); // out of what takes the keys
    },
    async asks(hash, key, word) {
      await row(hash);
      const object = (await selected().getAttribute('data-key')).split('/').pop();
      await press(key);
      const title = await page.locator('#dialog-title').innerText();
      assert.ok(title.startsWith(word) && title.includes(` ${object}`), title);
    },
  };
}

test('each key does what the help says', async (t) => {
  const dashboard = await inMemory(t, browser, directory, '#/pods');
  const { page } = dashboard;
  await page.keyboard.press('?');
  const labels = await page.locator('[data-testid=help] kbd').allTextContents();
  assert.deepEqual(Object.keys(DOES).sort(), [...labels].sort(), 'each is tried, and no other');
  const own = hands(dashboard);
  for (const [label, does] of Object.entries(DOES)) await t.test(label, () => does(own));
  t.diagnostic(`${labels.length} of ${labels.length} keys`);
});

/** Runs in the page before all else: keeps in mind what listens to a press. */
function notePressable() {
  globalThis.pressable = new WeakSet();
  const { addEventListener } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function (type, ...rest) {
    if (type === 'click' && this instanceof Element) globalThis.pressable.add(this);
    return addEventListener.call(this, type, ...rest);
  };
}

/** What listens to a press and is reached by keys that Tab does not reach, with those keys. */
const OTHERWISE = {
  '[data-testid=row]': 'j, k and Enter',
  '[data-testid=jump-choice]': 'the arrows and Enter',
  '.veil': 'Esc',
  '.scrim': 'a link of the menu it lies behind',
  '.term': 'the terminal in it has the focus',
};

/** What can be pressed in the page as it is and was not yet reached by Tab, a line each. */
const unreached = (page) => page.evaluate((otherwise) => {
  const natural = 'a[href], button, select, input, textarea, summary';
  const all = [...document.querySelectorAll('*')].filter((element) => globalThis.pressable.has(element) || element.matches(natural));
  const inReach = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest('[inert]') && !element.disabled;
  const left = all.filter((element) => inReach(element) && !element.matches(otherwise) && !globalThis.reached.has(element));
  // Of radio buttons Tab reaches one, and the arrows the others.
  const alone = (element) => element.type !== 'radio' || ![...document.getElementsByName(element.name)].some((other) => globalThis.reached.has(other));
  return left.filter(alone).map((element) => element.outerHTML.slice(0, 160));
}, Object.keys(OTHERWISE).join());

test('whatever can be pressed is reached by Tab, in every view', async (t) => {
  const dashboard = await inMemory(t, browser, directory, '#/pods', { first: notePressable });
  const { page } = dashboard;
  await page.getByTestId('row').first().waitFor();
  const [pod] = await dashboard.keys();
  let most = 0;
  for (const view of VIEWS) {
    const [name, , keys] = view;
    await show(dashboard, view, pod);
    await page.evaluate(() => {
      globalThis.reached = new Set();
      globalThis.turns = 0;
    });
    const step = async (key) => {
      await page.keyboard.press(key);
      return page.evaluate(() => {
        const { activeElement } = document;
        const seen = globalThis.reached.has(activeElement);
        globalThis.reached.add(activeElement);
        return { seen, size: globalThis.reached.size, takesKeys: activeElement.id === 'terminal' };
      });
    };
    // Round once, from wherever the focus is; the terminal is left by F6.
    let known = 0;
    for (let again = 0; again < 5; ) {
      const { size, takesKeys } = await step('Tab');
      again = size > known ? 0 : again + 1;
      known = size;
      if (takesKeys) {
        await page.keyboard.press('F6');
        await page.getByTestId('terminal').evaluate((terminal) => terminal.setAttribute('tabindex', '-1'));
      }
    }
    assert.deepEqual(await unreached(page), [], name);
    most = Math.max(most, known);
    if (keys) await page.keyboard.press('Escape');
  }
  t.diagnostic(`${VIEWS.length} views, of which one has ${most} places to stop`);
});

test('a table is sorted by the keyboard, and the focus stays', async (t) => {
  const dashboard = await inMemory(t, browser, directory, '#/pods');
  const { page } = dashboard;
  await page.getByTestId('row').first().waitFor();
  const restarts = page.getByTestId('sort').filter({ hasText: 'Restarts' });
  await restarts.focus();
  for (const order of ['descending', 'ascending', 'descending']) {
    await page.keyboard.press('Enter');
    await page.getByRole('columnheader', { name: 'Restarts' }).and(page.locator(`[aria-sort=${order}]`)).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Restarts');
  }
  assert.match(await page.evaluate(() => location.hash), /sort=-restarts/);
});

test('in the owner tree a key is for the line that has the focus', async (t) => {
  const dashboard = await inMemory(t, browser, directory, '#/deployments.apps');
  const { page } = dashboard;
  await page.getByTestId('row').first().waitFor();
  await page.keyboard.type('ju');
  const pod = page.locator('[data-testid=owner][data-kind=Pod]').first();
  await pod.waitFor();
  const [key, open] = [await pod.getAttribute('data-key'), await page.getByTestId('detail').getAttribute('data-key')];
  await pod.focus();
  await page.keyboard.press('D');
  await page.locator('#dialog-title', { hasText: `Delete Pod ${key.split('/').pop()}` }).waitFor();
  await page.keyboard.press('Enter');
  await page.locator('[data-testid=report][data-state=done]').waitFor();
  await page.waitForSelector(`[data-testid=owner][data-key="${key}"]`, { state: 'detached' });
  assert.equal(await page.getByTestId('detail').getAttribute('data-key'), open, 'the open object is still there');
  assert.equal(await page.getByTestId('gone').isVisible(), false);
});
