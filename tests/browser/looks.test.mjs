// How the dashboard looks and reads: no view that axe-core finds fault with.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aroundPages } from './around.mjs';
import { buildDashboard, inMemory, openDashboard } from './dashboard.mjs';
import { serveFiles } from './files.mjs';
import { VIEWS, show } from './views.mjs';
import { until } from './waiting.mjs';

let browser, directory;

aroundPages(buildDashboard, (made) => ({ browser, directory } = made));

/** What is at rest, by day: `--idle` of app.css. */
const GRAY = 'rgb(102, 112, 116)';
const SIZES = [[1440, 900], [390, 844]];

for (const [width, height] of SIZES) {
  for (const colorScheme of ['light', 'dark']) {
    test(`no fault in any view, ${colorScheme}, ${width} pixels wide`, async (t) => {
      const dashboard = await inMemory(t, browser, directory, '#/pods', { viewport: { width, height }, colorScheme });
      const { page } = dashboard;
      await page.getByTestId('row').first().waitFor();
      const [pod] = await dashboard.keys();
      for (const view of VIEWS) {
        const [name, , keys] = view;
        await show(dashboard, view, pod);
        await dashboard.faultless(name);
        await dashboard.shoot(`looks ${name} ${width} ${colorScheme}`);
        const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.equal(sideways, 0, `${name} is no wider than the screen`);
        if (keys) await page.keyboard.press('Escape');
      }
    });
  }
}

test('no fault where nothing can be shown', async (t) => {
  const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 403, reason: 'Forbidden', message: 'not <b>you</b>' };
  const answer = (_, response) => {
    response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify(status));
  };
  const files = await serveFiles(t, directory, answer);
  for (const [width, height] of SIZES) {
    const dashboard = await openDashboard(t, browser, files.page, '#/pods', { viewport: { width, height } });
    await dashboard.page.waitForSelector('[data-testid=empty][data-state=failed]');
    await dashboard.told('Not allowed (403)');
    // To be allowed nothing is told as calmly above the table as in the badge.
    await dashboard.reaches('refused');
    const [line, shape] = await dashboard.page.getByTestId('notice').evaluate((notice) =>
      [getComputedStyle(notice).borderLeftColor, getComputedStyle(notice.querySelector('strong'), '::before').backgroundColor]);
    assert.deepEqual([line, shape], [GRAY, GRAY]);
    await dashboard.page.getByTestId('namespace-box').waitFor();
    await dashboard.faultless('failed');
    await dashboard.shoot(`looks failed ${width}`);
  }
});

test('several namespaces and selectors narrow the table, and a wrong selector leaves it', async (t) => {
  const dashboard = await inMemory(t, browser, directory, '#/pods');
  const { page } = dashboard;
  const switched = page.getByTestId('namespace');
  // Both have pods, which not every namespace has.
  const [one, other] = ['search', 'shop'];
  const amount = async () => Number(await page.getByTestId('amount').getAttribute('data-matching'));
  const all = await until('every pod', async () => (await amount()) > 100 && amount());
  const only = async (name) => {
    await switched.selectOption(name);
    await until(`${name} in the address`, () => page.evaluate((name) => location.hash.includes(`ns=${name}`), name));
    return until(`the pods of ${name}`, async () => (await amount()) < all && amount());
  };
  const [ofOther, ofOne] = [await only(other), await only(one)];
  await switched.locator(`optgroup[label=Also] option[value="${one},${other}"]`).waitFor({ state: 'attached' });
  await switched.selectOption(`${one},${other}`);
  await until('both in the address', () => page.evaluate(() => location.hash.includes('%2C')));
  const namespaces = async () => new Set((await dashboard.keys()).map((key) => key.split('/')[0]));
  await until('the pods of both', async () => (await amount()) === ofOne + ofOther);
  assert.deepEqual([...(await namespaces())].filter((name) => name !== one && name !== other), []);
  await switched.selectOption('');
  await until('every pod again', async () => (await amount()) === all);
  await page.keyboard.type('/field:status.phase!=Running', { delay: 0 });
  const rest = await until('fewer', async () => (await amount()) < all && amount());
  assert.ok(rest > 0);
  await page.getByTestId('filter').fill('label:app in (');
  await page.getByTestId('filter-problem').getByText('Write it like label:app in (a,b)').waitFor();
  assert.equal(await amount(), all, 'the table stays');
});

test('the palette leads to kinds, objects, namespaces and commands; views are kept, found and removed: by keys alone', async (t) => {
  const dashboard = await inMemory(t, browser, directory, '#/pods?q=is:unready');
  const { page } = dashboard;
  const { keyboard } = page;
  const hash = () => page.evaluate(() => location.hash);
  const go = async (text) => {
    await keyboard.press('Control+k');
    await keyboard.type(text, { delay: 0 });
    await keyboard.press('Enter');
    await until('the palette is closed', async () => (await page.getByTestId('jump').count()) === 0);
  };
  await keyboard.type('v');
  await page.getByTestId('view-name').fill('Trouble');
  await keyboard.press('Enter');
  await page.getByTestId('view').getByText('Trouble').waitFor();
  const kept = await hash();
  await page.getByTestId('row').first().waitFor();
  const namespace = (await dashboard.keys())[0].split('/')[0];
  await go(namespace);
  await until('one namespace', async () => (await hash()).includes(`ns=${namespace}`));
  await go('nodes');
  await page.waitForSelector('[data-testid=table][data-kind=nodes] [data-testid=row]');
  const [node] = await dashboard.keys();
  await keyboard.type('o');
  await go(node);
  assert.equal(await page.getByTestId('detail').getAttribute('data-key'), node);
  await go('what is on the wire');
  await page.getByTestId('wire').waitFor();
  await page.reload();
  await dashboard.reaches('live');
  await go('troub');
  await until('the kept view', async () => (await hash()) === kept);
  await go('remove the view troub');
  await until('no view', async () => (await page.getByTestId('view').count()) === 0);
  await page.evaluate(() => localStorage.setItem('portolan-views', '[{"name":"x","hash":"javascript:alert(1)"},7]'));
  await page.reload();
  await dashboard.reaches('live');
  assert.equal(await page.getByTestId('view').count(), 0, 'what others wrote there is left out');
  assert.deepEqual(page.said.filter((line) => line.startsWith('error: ')), []);
});

test('the overview shows capacity and the last hour, in figures and in words; a custom resource has its own columns', async (t) => {
  const dashboard = await inMemory(t, browser, directory, '#/', { query: 'source=memory&rate=50' });
  const { page } = dashboard;
  const loads = page.getByTestId('load');
  await loads.first().waitFor();
  assert.match(await loads.first().innerText(), /nodes[\s\S]*%[\s\S]*of[\s\S]*Gi/);
  const words = page.getByTestId('timeline').getByRole('img');
  await until('events', async () => /normal events in the last hour/.test(await words.getAttribute('aria-label')));
  await dashboard.shoot('looks living overview');
  await dashboard.go('#/events');
  await page.locator('[data-testid=table][data-kind=events] [data-testid=row]').first().waitFor();
  await dashboard.faultless('events that come');
  await dashboard.shoot('looks events');
  await dashboard.go('#/backups.demo.example.com');
  await page.getByRole('columnheader', { name: 'Size' }).waitFor();
  await until('its values', async () => /Gi/.test(await page.getByTestId('row').first().innerText()));
});
