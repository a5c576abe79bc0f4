// The dashboards of the book's tutorials, in Chromium on a real API server through `kubectl proxy`; and what its page on
// security says of the proxy. `cargo xtask book --pictures` runs this for the pictures of the book.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { npmInstall, pack, run, temporary } from '../../kit/tests/package.mjs';
import { aroundTests } from './around.mjs';
import { buildModule } from './building.mjs';
import { closeAfter, openPage } from './chromium.mjs';
import { notFound, serveFiles } from './files.mjs';
import { until } from './waiting.mjs';

const ROOT = join(import.meta.dirname, '../..');
const PICTURES = join(ROOT, process.env.PORTOLAN_PICTURES ?? 'tests/output');

let browser, cluster, proxy, directory;

aroundTests(build, [], async (made) => {
  ({ browser, cluster, proxy, directory } = made);
});

/** Builds both as the tutorials say; a directory with one in each of `rust` and `typescript`. */
function build() {
  const directory = temporary('portolan-book-');
  cpSync(join(ROOT, 'examples/dashboard/www'), join(directory, 'rust'), { recursive: true });
  buildModule('example-dashboard', join(directory, 'rust'));

  const project = temporary('portolan-book-typescript-');
  // What the example wants of npm is among what the React example has installed.
  cpSync(join(ROOT, 'kit/examples/react/node_modules'), join(project, 'node_modules'), { recursive: true, verbatimSymlinks: true });
  cpSync(join(ROOT, 'examples/dashboard-ts'), project, { recursive: true });
  npmInstall(project, pack());
  run('npm', ['run', 'build'], project);
  cpSync(join(project, 'dist'), join(directory, 'typescript'), { recursive: true });
  return directory;
}

const pod = (name, namespace, node) => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec: { ...(node && { nodeName: node }), containers: [{ name: 'main', image: 'example.invalid/none' }] },
});

const APPS = { shop: ['cart', 'catalog', 'checkout', 'search', 'web'], billing: ['invoices', 'ledger', 'mailer'] };

/** Pods as a small cluster has them; resolves to how many. */
async function populate() {
  const namespaces = Object.keys(APPS).map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  const names = Object.entries(APPS).flatMap(([namespace, apps]) => apps.flatMap((app) => ['7c9f4', 'k2xwz'].map((end) => [`${app}-${end}`, namespace])));
  const pods = names.map(([name, namespace], at) => pod(name, namespace, `node-${1 + (at % 3)}`));
  await cluster.kubectl(['create', '-f', '-'], { apiVersion: 'v1', kind: 'List', items: [...namespaces, ...pods] });
  await Promise.all(names.map(async ([name, namespace], at) => {
    const status = { phase: at === 7 ? 'Pending' : 'Running', containerStatuses: [{ name: 'main', image: 'i', imageID: 'i', ready: true, restartCount: at % 4 }] };
    const answer = await fetch(`${proxy.origin}/api/v1/namespaces/${namespace}/pods/${name}/status`, {
      method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' }, body: JSON.stringify({ status }),
    });
    assert.equal(answer.status, 200, await answer.text());
  }));
  return pods.length;
}

let populated;

for (const language of ['rust', 'typescript']) {
  test(`the dashboard in ${language} is live, filters, deletes, and says how it stands`, async (t) => {
    const total = await (populated ??= populate());
    const page = await openPage(browser, `${proxy.page}${language}/`, { viewport: { width: 960, height: 640 } });
    closeAfter(t, page);
    const text = (selector) => page.locator(selector).textContent();
    const names = () => page.locator('#rows td:first-child').allTextContents();
    const shows = (what, wanted) => until(what, async () => wanted(await names()), { show: async () => [await names(), await text('header'), await text('#problem')] });

    await shows('all pods', (names) => names.length === total && names[0] === 'billing/invoices-7c9f4');
    await until('live', async () => (await text('#standing')) === 'live');
    assert.equal(await text('#count'), `${total} of ${total} pods`);
    assert.match(await text('#server'), /^v1\.\d+/);
    mkdirSync(PICTURES, { recursive: true });
    await page.screenshot({ path: join(PICTURES, `dashboard-${language}.png`) });

    await cluster.kubectl(['create', '-f', '-'], pod(`late-${language}`, 'shop'));
    await shows('a new pod', (names) => names.includes(`shop/late-${language}`));
    await page.getByRole('searchbox').fill('late');
    await shows('the filtered', (names) => names.length === 1);
    assert.equal(await text('#count'), `1 of ${total + 1} pods`);
    await page.getByRole('button', { name: 'Delete' }).click();
    await shows('none', (names) => names.length === 0);
    await page.getByRole('searchbox').fill('');
    await shows('all pods again', (names) => names.length === total);

    await cluster.control('stop-apiserver');
    await until('the trouble is told', async () => /^(trying again|reconnecting|stale)/.test(await text('#standing')));
    assert.equal((await names()).length, total, 'what it has stays in view');
    await page.getByRole('button', { name: 'Delete' }).first().click();
    await until('the failure is told', async () => (await text('#problem')) !== '');
    await cluster.control('start-apiserver');
    await until('live again', async () => (await text('#standing')) === 'live');
  });
}

test('the dashboard in typescript says of a query that has ended that it has, and not that it is tried again', async (t) => {
  const answers = {
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/api/v1': { kind: 'APIResourceList', groupVersion: 'v1', resources: [] },
    '/apis': { kind: 'APIGroupList', groups: [] },
    '/version': { gitVersion: 'v1.0.0' },
  };
  const server = await serveFiles(t, directory, (request, response) => {
    const answer = answers[request.url.split('?')[0]];
    if (!answer) return notFound(request, response);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  const page = await openPage(browser, `${server.page}typescript/index.html`);
  closeAfter(t, page);
  const standing = () => page.locator('#standing').textContent();
  await until('the end is told', async () => /^ended: .*serves no resource pods/.test(await standing()), { show: standing });
});

test('a page of another origin reads the cluster over a WebSocket to a running proxy, and not over fetch', async (t) => {
  const other = await serveFiles(t, ROOT, (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>'));
  const page = await openPage(browser, `${other.origin}/`);
  closeAfter(t, page);
  const namespaces = `${proxy.origin.replace('http', 'ws')}/api/v1/namespaces?watch=true`;
  const first = await page.evaluate((address) => new Promise((resolve, reject) => {
    const socket = new WebSocket(address);
    socket.onmessage = ({ data }) => resolve(data);
    socket.onerror = () => reject(new Error('refused'));
  }), namespaces);
  assert.equal(JSON.parse(first).object.kind, 'Namespace');
  const answer = await page.evaluate((address) => fetch(address).then(() => 'read', () => 'kept away'), `${proxy.origin}/version`);
  assert.equal(answer, 'kept away');
});
