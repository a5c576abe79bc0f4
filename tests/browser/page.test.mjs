// The dashboard without a cluster: on the one in memory, and before servers that are no API server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aroundPages } from './around.mjs';
import { PHONE, buildDashboard, inMemory, openDashboard } from './dashboard.mjs';
import { notFound, serveFiles } from './files.mjs';
import { described, mainThreadTasks } from './trace.mjs';
import { until } from './waiting.mjs';

let browser, directory;

aroundPages(buildDashboard, (made) => ({ browser, directory } = made));

/** Which element has the focus: its id, or its tag. */
const focus = (dashboard) => dashboard.page.evaluate(() => document.activeElement.id || document.activeElement.tagName);

test('where only files are served the page shows the cluster in memory, and it lives', async (t) => {
  const dashboard = await inMemory(t, browser, directory, '#/?wire=1', { query: '' });
  assert.match(await dashboard.page.getByTestId('source').innerText(), /in-memory/i);
  const events = async () => (await dashboard.wire()).reduce((sum, { events }) => sum + events, 0);
  const before = await events();
  await until('the cluster lives', async () => (await events()) > before);
  await dashboard.shoot('memory-overview');
});

test('the keys do what the help says', async (t) => {
  const dashboard = await inMemory(t, browser, directory, '#/');
  const { page } = dashboard;
  const hash = () => page.evaluate(() => location.hash);
  await page.keyboard.type('?');
  assert.ok(await page.getByTestId('help').isVisible());
  await dashboard.shoot('help');
  await page.keyboard.type('jw');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.equal(await page.getByTestId('wire').count(), 0, 'no key reaches what lies behind the help');
  assert.equal(await hash(), '#/');
  assert.equal(await focus(dashboard), 'SECTION', 'the help itself, for it may have to be scrolled');
  await page.keyboard.press('Escape');
  assert.equal(await page.getByTestId('help').count(), 0);
  await page.keyboard.press('j');
  assert.equal(await focus(dashboard), 'A', 'on the overview the keys move among its lines');
  // Typed as fast as one can: no key may miss the box that the one before has opened.
  await page.keyboard.type('/db', { delay: 0 });
  assert.equal(await page.getByTestId('filter').inputValue(), 'db');
  await until('a filtered overview', async () => (await hash()).includes('q=db'));
  await page.keyboard.press('Escape');
  assert.notEqual(await focus(dashboard), 'filter', 'Esc leaves the box');
  await page.keyboard.type(':po', { delay: 0 });
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-testid=table][data-kind=pods] [data-testid=row]');
  assert.equal(await focus(dashboard), 'rows');
  await page.keyboard.type('jjk');
  const keys = await dashboard.keys();
  await page.keyboard.press('Enter');
  assert.equal(await page.getByTestId('detail').getAttribute('data-key'), keys[0]);
  await page.keyboard.press('y');
  await page.getByTestId('yaml').waitFor();
  assert.match(await page.getByTestId('yaml').innerText(), /^apiVersion: v1\nkind: Pod$/m);
  await dashboard.shoot('memory-yaml');
  await page.keyboard.press('Escape');
  assert.equal(await page.getByTestId('detail').count(), 0);
  await page.keyboard.type('/no such thing', { delay: 0 });
  await page.waitForSelector('[data-testid=empty][data-state=no-match]');
  await dashboard.shoot('no-match');
  await page.keyboard.press('Escape');
  await page.waitForSelector('[data-testid=row]');
  assert.deepEqual(page.said.filter((line) => line.startsWith('error: ')), []);
});

test('the filter gives the focus up when the reader goes back, and what is chosen moves nothing beside it', async (t) => {
  const dashboard = await inMemory(t, browser, directory, '#/pods');
  const { page } = dashboard;
  await dashboard.go('#/services');
  await page.getByTestId('title').filter({ hasText: 'Services' }).waitFor();
  await page.keyboard.type('/');
  assert.equal(await focus(dashboard), 'filter');
  await page.goBack();
  await page.getByTestId('title').filter({ hasText: 'Pods' }).waitFor();
  assert.equal(await focus(dashboard), 'rows');
  for (const viewport of [{ width: 1440, height: 900 }, PHONE.viewport]) {
    await page.setViewportSize(viewport);
    const look = () => page.evaluate(() => ['.top', '.go', '.namespace'].map((part) => JSON.stringify(document.querySelector(part).getBoundingClientRect())));
    const before = await look();
    await page.getByTestId('namespace').selectOption({ index: 1 });
    await page.waitForFunction(() => /ns=/.test(location.hash));
    assert.deepEqual(await look(), before);
    await page.getByTestId('namespace').selectOption({ index: 0 });
    await page.waitForFunction(() => !/ns=/.test(location.hash));
  }
});

test('on a phone a name that is too long keeps the end that tells it from its siblings', async (t) => {
  const dashboard = await inMemory(t, browser, directory, '#/pods', PHONE);
  const rows = await dashboard.page.locator('[data-testid=row]').evaluateAll((rows) => rows.map((row) => {
    const [name, tail] = [row.firstElementChild, row.querySelector('.tail')];
    const inside = tail.getBoundingClientRect().right <= name.getBoundingClientRect().right + 1;
    return { key: row.dataset.key, whole: name.textContent, shown: inside && tail.scrollWidth <= tail.clientWidth + 1 };
  }));
  assert.ok(rows.length > 10);
  for (const { key, whole, shown } of rows) {
    assert.equal(whole, key.split('/').pop());
    assert.ok(shown, `the end of ${key} is in view`);
  }
  await dashboard.shoot('phone-pods');
  const { page } = dashboard;
  assert.equal(await page.getByTestId('clear').count(), 0);
  await page.getByTestId('filter').fill('no such thing');
  await page.waitForSelector('[data-testid=empty][data-state=no-match]');
  await dashboard.shoot('phone-filtered');
  await page.getByTestId('clear').tap();
  await page.waitForSelector('[data-testid=row]');
  assert.equal(await page.getByTestId('filter').inputValue(), '');
  await dashboard.go('#/');
  await dashboard.page.getByTestId('overview').waitFor();
  await dashboard.shoot('phone-overview');
});

test('a kind is named whole in the navigation, however long its name', async (t) => {
  const long = ['ValidatingAdmissionPolicyBinding', 'Mandantenfähigkeitsregelwerkskonfiguration'];
  const group = 'example.com/v1';
  const answers = {
    '/version': { major: '1', minor: '36' },
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/api/v1': { kind: 'APIResourceList', groupVersion: 'v1', resources: [] },
    '/apis': { kind: 'APIGroupList', groups: [{ name: 'example.com', versions: [{ groupVersion: group, version: 'v1' }] }] },
    [`/apis/${group}`]: {
      kind: 'APIResourceList', groupVersion: group,
      resources: long.map((kind) => ({ name: `${kind.toLowerCase()}s`, singularName: '', namespaced: true, kind, verbs: ['list', 'watch'] })),
    },
  };
  const files = await serveFiles(t, directory, (request, response) => {
    const answer = answers[new URL(request.url, 'http://server').pathname];
    if (!answer) return notFound(request, response);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  for (const options of [{}, PHONE]) {
    const { page, shoot } = await openDashboard(t, browser, files.page, '#/pods', options);
    await page.locator('.group [data-testid=kind]').nth(1).waitFor({ state: 'attached' });
    if (options === PHONE) await page.getByRole('button', { name: 'Kinds' }).tap();
    const kinds = await page.locator('.group [data-testid=kind]').evaluateAll((kinds) => kinds.map((kind) => {
      const title = kind.querySelector('.kind-title');
      const [inner, outer] = [title.getBoundingClientRect(), kind.getBoundingClientRect()];
      return {
        named: title.innerText, whole: kind.title,
        shown: title.scrollWidth <= title.clientWidth && inner.top >= outer.top && inner.bottom <= outer.bottom,
      };
    }));
    assert.deepEqual(kinds.map(({ named }) => named), ['Mandantenfähigkeitsregelwerkskonfigurations', 'Validating admission policy bindings']);
    for (const { named, whole, shown } of kinds) {
      assert.equal(named, whole);
      assert.ok(shown, `${named} is in view`);
    }
    await shoot(`kinds ${options === PHONE ? 'phone' : 'desktop'}`);
  }
});

test('ten thousand pods: planted, listed and scrolled, with few rows in the document', async (t) => {
  const files = await serveFiles(t, directory);
  const { page, reaches } = await openDashboard(t, browser, files.page, '#/pods', { query: 'source=memory&pods=10000&rate=2000' });
  const planting = await mainThreadTasks(browser, page, () => reaches('live', 180_000));
  t.diagnostic(`until live: ${described(planting)}`);
  const total = Number(await page.getByTestId('amount').getAttribute('data-total'));
  assert.ok(total > 9_900, `it says live with all there is on show, not with ${total} pods`);
  const rows = page.getByTestId('row');
  const frames = () => page.evaluate(() => new Promise((resolve) => {
    const [began, times] = [performance.now(), []];
    const scroller = document.getElementById('rows');
    const look = (now) => {
      times.push(now);
      scroller.scrollTop += 120;
      if (now - began < 5_000) requestAnimationFrame(look);
      else resolve(times);
    };
    requestAnimationFrame(look);
  }));
  let times;
  const scrolling = await mainThreadTasks(browser, page, async () => (times = await frames()));
  assert.ok(scrolling.length > 0, 'the trace holds the main thread');
  const each = scrolling.reduce((sum, task) => sum + task, 0) / times.length;
  t.diagnostic(`five seconds of scrolling under 2,000 changes a second: ${times.length} frames, ${each.toFixed(1)} ms of processor time each; ${described(scrolling)}`);
  assert.ok((await rows.count()) < 120, `${await rows.count()} rows in the document`);
});

test('HTML in place of answers: told with its first words, and no invented cluster', async (t) => {
  const portal = '<!doctype html><title>Sign in</title><p>Welcome to the café network';
  const files = await serveFiles(t, directory, (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(portal);
  });
  for (const query of ['', 'source=proxy']) {
    const dashboard = await openDashboard(t, browser, files.page, '#/pods', { query });
    await dashboard.told('Not a Kubernetes answer');
    await until('the first words', async () => /text\/html.*Sign in/s.test(await dashboard.page.getByTestId('notice').innerText()));
    assert.equal((await dashboard.keys()).length, 0);
    await dashboard.shoot('captive-portal');
  }
});

test('a server that takes every question and says nothing', async (t) => {
  const files = await serveFiles(t, directory, () => {});
  const dashboard = await openDashboard(t, browser, files.page, '#/', { query: '' });
  await dashboard.told('Still no answer');
  await dashboard.shoot('still-no-answer');
});

test('a server that asks to wait: the page says so, for how long, and asks no sooner', async (t) => {
  const asked = [];
  let busy = true;
  const files = await serveFiles(t, directory, (request, response) => {
    asked.push(Date.now());
    const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 429, reason: 'TooManyRequests', message: 'later' };
    const headers = { 'content-type': 'application/json', 'retry-after': '7' };
    if (busy) response.writeHead(429, headers).end(JSON.stringify(status));
    else notFound(request, response);
  });
  const dashboard = await openDashboard(t, browser, files.page);
  await dashboard.told('asks to wait 7 s (429)');
  await dashboard.shoot('asked-to-wait');
  const before = asked.length;
  busy = false;
  await dashboard.told('No API server here');
  // Its stamps are as late as this process is busy; unasked it would be three seconds.
  assert.ok(asked[before] - asked[before - 1] > 5_000, `asked again after ${asked[before] - asked[before - 1]} ms`);
});

test('a redirect: told as one, with what to do', async (t) => {
  const files = await serveFiles(t, directory, (_, response) => {
    response.writeHead(302, { location: 'http://portal.invalid/sign-in?token=x' }).end();
  });
  for (const query of ['', 'source=proxy']) {
    const dashboard = await openDashboard(t, browser, files.page, '#/pods', { query });
    await dashboard.told('Sent elsewhere (redirect)');
    assert.match(await dashboard.page.getByTestId('notice').innerText(), /\/version in a tab of its own/);
    await dashboard.shoot('redirect');
  }
});

test('files alone where an API server was promised', async (t) => {
  const files = await serveFiles(t, directory);
  const dashboard = await openDashboard(t, browser, files.page);
  await dashboard.told('No API server here');
});

test('another origin: CORS, a wrong port, nonsense; nothing is read of it meanwhile', async (t) => {
  const files = await serveFiles(t, directory);
  let sockets = 0;
  const other = await serveFiles(t, directory, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"major":"1","minor":"36"}');
  });
  const open = async (server) => {
    const dashboard = await openDashboard(t, browser, files.page, '#/pods', { query: `server=${server}` });
    dashboard.page.on('websocket', () => (sockets += 1));
    return dashboard;
  };
  const blocked = await open(other.origin);
  await blocked.told('Blocked by the browser (CORS)');
  assert.equal(await blocked.connection(), 'retrying');
  await blocked.shoot('cors');
  await (await open('http://127.0.0.1:1')).told('No answer');
  await (await open('::')).told('Wrong address');
  const far = await open('http://evil.example');
  await far.told('Wrong address');
  assert.match(await far.page.getByTestId('notice').innerText(), /loopback/);
  assert.equal(sockets, 0);
  const bogus = await openDashboard(t, browser, files.page, '#/', { query: 'source=bogus' });
  await bogus.told('Wrong address');
});
