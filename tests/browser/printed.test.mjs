// A kind of an aggregated API server, of which neither the page nor a definition knows any columns: the server prints them.
import assert from 'node:assert/strict';
import { EventEmitter, on } from 'node:events';
import { test } from 'node:test';
import { aroundPages } from './around.mjs';
import { PHONE, buildDashboard, openDashboard } from './dashboard.mjs';
import { notFound, serveFiles } from './files.mjs';
import { until } from './waiting.mjs';

let browser, directory;

aroundPages(buildDashboard, (made) => ({ browser, directory } = made));

const GROUP = 'metrics.example.com/v1';
const READINGS = `/apis/${GROUP}/readings`;
/** Where the page's own kinds are, of which there is nothing. */
const KINDS = new Map([
  ...['Pod', 'Service', 'ConfigMap', 'Node', 'Namespace', 'Event'].map((kind) => [`/api/v1/${kind.toLowerCase()}s`, kind]),
  ...['Deployment', 'ReplicaSet'].map((kind) => [`/apis/apps/v1/${kind.toLowerCase()}s`, kind]),
  [READINGS, 'Reading'],
]);

/** What can be listed and not watched. */
const SAMPLES = `/apis/${GROUP}/samples`;

/** A server with one reading, whose heat only it knows how to print; who asks may not see definitions. And samples, of which
 * there are more at each list. */
class Server {
  asked = 0;
  listed = 0;
  #heat = 9;
  #version = 7;
  #changes = new EventEmitter();

  #reading() {
    const metadata = { name: 'boiler', namespace: 'shop', uid: 'boiler', resourceVersion: String(this.#version), creationTimestamp: new Date(Date.now() - 60_000).toISOString() };
    return { apiVersion: GROUP, kind: 'Reading', metadata };
  }

  #table() {
    this.asked += 1;
    const { apiVersion, kind, metadata } = this.#reading();
    return {
      kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: { resourceVersion: metadata.resourceVersion },
      columnDefinitions: [['Name', 'string'], ['Heat', 'integer'], ['Trend', 'string'], ['Age', 'string']].map(([name, type]) => ({ name, type, format: name === 'Name' ? 'name' : '', description: '', priority: 0 })),
      rows: [{ cells: ['boiler', this.#heat, this.#heat > 9 ? '<b>rising</b>' : 'steady', '60s'], object: { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata } }],
    };
  }

  #samples() {
    this.listed += 1;
    const row = (_, place) => {
      const metadata = { name: `sample-${place}`, namespace: 'shop', creationTimestamp: new Date(Date.now() - 30_000).toISOString() };
      return { cells: [metadata.name, `${place + 7}m`], object: { apiVersion: GROUP, kind: 'Sample', metadata, usage: { cpu: `${place + 7}m` } } };
    };
    return {
      kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: {},
      columnDefinitions: ['Name', 'CPU'].map((name) => ({ name, type: 'string', format: '', description: '', priority: 0 })),
      rows: Array.from({ length: this.listed }, row),
    };
  }

  /** It changes, and with it what is printed of it. */
  change(heat) {
    [this.#heat, this.#version] = [heat, this.#version + 1];
    this.#changes.emit('change');
  }

  answer = (request, response) => {
    const { pathname } = new URL(request.url, 'http://server');
    const json = (body, code = 200) => response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const group = (groupVersion) => ({ name: groupVersion.split('/')[0], versions: [{ groupVersion, version: 'v1' }], preferredVersion: { groupVersion, version: 'v1' } });
    const resource = (name, kind, namespaced, ...verbs) => ({ name, singularName: '', namespaced, kind, verbs: ['get', 'list', ...verbs] });
    const resources = (groupVersion, ...found) => json({ kind: 'APIResourceList', groupVersion, resources: found });
    if (pathname === '/version') return json({ major: '1', minor: '36', gitVersion: 'v1.36.0' });
    if (pathname === '/api') return json({ kind: 'APIVersions', versions: ['v1'] });
    if (pathname === '/apis') return json({ kind: 'APIGroupList', apiVersion: 'v1', groups: [GROUP, 'apiextensions.k8s.io/v1'].map(group) });
    if (pathname === '/api/v1') return resources('v1', resource('pods', 'Pod', true, 'watch'));
    if (pathname === `/apis/${GROUP}`) return resources(GROUP, resource('readings', 'Reading', true, 'watch'), resource('samples', 'Sample', true));
    if (pathname === '/apis/apiextensions.k8s.io/v1') return resources('apiextensions.k8s.io/v1', resource('customresourcedefinitions', 'CustomResourceDefinition', false, 'watch'));
    if (pathname.endsWith('/customresourcedefinitions')) return json({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 403, reason: 'Forbidden', message: 'not yours to see' }, 403);
    if (pathname === READINGS && request.headers.accept.includes('as=Table')) return json(this.#table());
    if (pathname === SAMPLES && request.headers.accept.includes('as=Table')) return json(this.#samples());
    const kind = KINDS.get(pathname);
    if (!kind) return notFound(request, response);
    const items = kind === 'Reading' ? [this.#reading()] : [];
    return json({ apiVersion: pathname.replace(/^\/apis?\/(.*)\/.*/, '$1'), kind: `${kind}List`, metadata: { resourceVersion: '1' }, items });
  };

  tell = (request) => {
    const { pathname, searchParams } = new URL(request.url, 'http://server');
    return KINDS.has(pathname) && searchParams.has('watch') ? this.#events(pathname) : undefined;
  };

  async *#events(pathname) {
    const event = (type, object) => `${JSON.stringify({ type, object })}\n`;
    if (pathname === READINGS) yield event('ADDED', this.#reading());
    const apiVersion = pathname.replace(/^\/apis?\/(.*)\/.*/, '$1');
    yield event('BOOKMARK', { apiVersion, kind: KINDS.get(pathname), metadata: { resourceVersion: String(this.#version), annotations: { 'k8s.io/initial-events-end': 'true' } } });
    if (pathname === READINGS) for await (const _ of on(this.#changes, 'change')) yield event('MODIFIED', this.#reading());
  }
}

test('what the server prints of a kind that nobody knows is shown, and asked for again as its objects change', async (t) => {
  const server = new Server();
  const files = await serveFiles(t, directory, server.answer, server.tell);
  const dashboard = await openDashboard(t, browser, files.page, '#/readings.metrics.example.com', { colorScheme: 'dark' });
  const { page } = dashboard;
  const cells = () => page.locator('[data-testid=row] .cell').allInnerTexts();
  const shows = (...wanted) => until(`the cells ${wanted}`, async () => {
    const found = await cells();
    return wanted.every((text) => found.includes(text));
  }, { show: cells });
  await shows('9', 'steady');
  const titles = await page.getByTestId('sort').allInnerTexts();
  assert.deepEqual(titles.map((title) => title.trim()), ['Name', 'Namespace', 'Status', 'Heat', 'Trend', 'Age']);
  assert.equal(server.asked, 1);
  await dashboard.faultless('printed');
  await dashboard.shoot('printed-1440-dark');
  server.change(12);
  await shows('12', '<b>rising</b>');
  assert.equal(server.asked, 2, 'once for one change');
  const phone = await openDashboard(t, browser, files.page, '#/readings.metrics.example.com', PHONE);
  await phone.row('shop/boiler');
  await phone.shoot('printed-390-light');
});

test('what cannot be watched is listed once, said to be not live, and listed anew when the reader asks for it', async (t) => {
  const server = new Server();
  const files = await serveFiles(t, directory, server.answer, server.tell);
  for (const options of [{}, { ...PHONE, colorScheme: 'dark' }]) {
    server.listed = 0;
    const dashboard = await openDashboard(t, browser, files.page, '#/samples.metrics.example.com', options);
    const { page } = dashboard;
    await dashboard.shows(['shop/sample-0']);
    assert.match(await page.getByTestId('not-live').innerText(), /^Not live: listed \d+s ago$/);
    assert.equal(await page.locator('[data-testid=kind][data-kind="samples.metrics.example.com"]').count(), 1);
    await dashboard.faultless('not live');
    await dashboard.shoot(`not live ${options.colorScheme ?? 'light'}`);
    await page.getByTestId('refresh').press('Enter');
    await dashboard.shows(['shop/sample-0', 'shop/sample-1']);
    assert.equal(server.listed, 2, 'once for each time it was asked for');
    await page.getByTestId('row').first().click();
    await page.getByTestId('detail').waitFor();
    assert.equal(await page.getByTestId('missing').isVisible(), false);
  }
});
