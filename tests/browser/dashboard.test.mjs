// The dashboard end to end: a real Chromium, a real `kubectl proxy --www`, a real API server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aroundTests } from './around.mjs';
import { between } from './between.mjs';
import { toldGone } from './chromium.mjs';
import { buildDashboard, openDashboard } from './dashboard.mjs';
import { RESOURCES, keyOf, objects, removeObjects } from './kinds.mjs';
import { described, mainThreadTasks } from './trace.mjs';
import { until } from './waiting.mjs';

let browser, cluster, directory, proxy;

aroundTests(buildDashboard, ['--no-watch-cache=configmaps'], (made) => ({ browser, cluster, directory, proxy } = made));

const create = (name) => cluster.kubectl(['create', 'configmap', name, '--from-literal=a=1']);
const remove = (...names) => cluster.kubectl(['delete', 'configmap', ...names]);

/** Begins to wait for a row, runs `change`, and returns how long after its end the row was as asked. */
async function delay(dashboard, key, asked, change) {
  const seen = dashboard.row(key, asked);
  seen.catch(() => {}); // told when it is awaited
  await change();
  const ended = Date.now();
  const { at, version } = await seen;
  return { late: at - ended, version };
}

test('what kubectl creates, changes and deletes appears, changes and goes', async (t) => {
  await create('already-there');
  const dashboard = await openDashboard(t, browser, proxy.page, '#/configmaps?ns=default');
  await dashboard.reaches('live');
  await dashboard.row('default/already-there');
  const key = 'default/comes-and-goes';
  const created = await delay(dashboard, key, {}, () => create('comes-and-goes'));
  await dashboard.shoot('created');
  const changed = await delay(dashboard, key, { other: created.version }, () =>
    cluster.kubectl(['label', 'configmap', 'comes-and-goes', 'step=2']));
  const deleted = await delay(dashboard, key, { gone: true }, () => remove('comes-and-goes'));
  t.diagnostic(`on the screen after kubectl ended: created ${created.late} ms, changed ${changed.late} ms, deleted ${deleted.late} ms`);
  await remove('already-there');
  await dashboard.shows([]);
  assert.deepEqual(dashboard.page.said.filter((line) => line.startsWith('error')), []);
});

test('thirty informers on thirty kinds are live at once, each shows its object and its change', async (t) => {
  const dashboard = await openDashboard(t, browser, proxy.page, '#/?all=1&wire=1');
  await cluster.kubectl(['create', '-f', '-'], objects('thirty'));
  t.after(() => removeObjects(cluster, 'thirty'));
  const live = await until('thirty live informers', async () => {
    const live = (await dashboard.wire()).filter(({ state }) => state === 'live').map(({ kind }) => kind);
    return RESOURCES.every((resource) => live.includes(resource)) && live;
  }, { show: () => dashboard.wire() });
  assert.equal(RESOURCES.length, 30);
  await dashboard.shoot('thirty-informers');
  const delays = [];
  for (const [index, item] of objects('thirty').items.entries()) {
    await dashboard.go(`#/${RESOURCES[index]}?q=thirty&all=1&wire=1`);
    const key = keyOf(RESOURCES[index], 'thirty');
    const { version } = await dashboard.row(key);
    const changed = await delay(dashboard, key, { other: version }, () =>
      cluster.kubectl(['label', '-f', '-', 'stamp=2'], item));
    delays.push(changed.late);
  }
  delays.sort((a, b) => a - b);
  t.diagnostic(`${live.length} informers live; a change of each of 30 kinds was on the screen ${delays[15]} ms (median), ${delays[29]} ms (longest) after kubectl ended`);
});

test('every kind that a real server has is shown with columns of its own', async (t) => {
  const dashboard = await openDashboard(t, browser, proxy.page, '#/');
  const { page } = dashboard;
  await page.waitForSelector('[data-testid=kind][data-kind="leases.coordination.k8s.io"]');
  const kinds = (await page.getByTestId('kind').evaluateAll((all) => all.map(({ dataset }) => dataset.kind))).filter(Boolean);
  const bare = [];
  for (const kind of kinds) {
    await dashboard.go(`#/${kind}`);
    await page.waitForSelector(`[data-testid=table][data-kind="${kind}"]`);
    const titles = await page.getByTestId('sort').allTextContents();
    if (titles.every((title) => ['Name', 'Namespace', 'Status', 'Age'].includes(title))) bare.push(kind);
  }
  t.diagnostic(`${kinds.length - bare.length} of ${kinds.length} kinds`);
  assert.ok(kinds.length >= 40);
  assert.deepEqual(bare, []);
});

test('the API server dies and comes back: stale with what it had, then live and in step', async (t) => {
  await create('kept');
  const dashboard = await openDashboard(t, browser, proxy.page, '#/configmaps?ns=default&wire=1');
  await dashboard.reaches('live');
  await dashboard.row('default/kept');
  await cluster.control('stop-apiserver');
  await dashboard.reaches('stale');
  assert.deepEqual(await dashboard.keys(), ['default/kept'], 'what it had stays in view');
  await dashboard.told('API server down');
  await dashboard.shoot('stale');
  await cluster.control('start-apiserver');
  const back = Date.now();
  await dashboard.reaches('live');
  t.diagnostic(`live again ${Date.now() - back} ms after the API server`);
  await create('new');
  await dashboard.shows(['default/kept', 'default/new']);
  await remove('kept', 'new');
  await dashboard.shows([]);
});

test('a version that was compacted away: it lists anew and is in step', async (t) => {
  const own = await cluster.proxy(directory);
  t.after(() => own.stop());
  const dashboard = await openDashboard(t, browser, own.page, '#/configmaps?ns=default&wire=1');
  const gone = toldGone(dashboard.page);
  await dashboard.reaches('live');
  await create('seen'); // a watch that has told something is taken up again where it broke
  await dashboard.row('default/seen');
  const relists = async () => (await dashboard.wire()).find(({ kind }) => kind === 'configmaps').relists;
  const before = await relists();
  await own.stop();
  await dashboard.reaches('stale');
  await dashboard.told('No answer');
  await dashboard.shoot('proxy-gone');
  await create('unseen');
  await remove('seen');
  await cluster.control('compact');
  const again = await cluster.proxy(directory, { port: own.port });
  t.after(() => again.stop());
  await dashboard.shows(['default/unseen']);
  await dashboard.reaches('live');
  assert.ok(gone.length > 0, 'the server said 410');
  await until('a relist on the wire', async () => (await relists()) > before);
  await dashboard.shoot('after-410');
  await remove('unseen');
});

test('dead connections and a sleep: the page asks again and is in step', async (t) => {
  const wire = await between(proxy.port);
  t.after(() => wire.stop());
  const dashboard = await openDashboard(t, browser, wire.page, '#/configmaps?ns=default&wire=1');
  await dashboard.reaches('live');
  wire.stall();
  await create('while-asleep');
  await dashboard.page.evaluate(() => dispatchEvent(new Event('online')));
  await dashboard.shows(['default/while-asleep']);
  await dashboard.reaches('live');
  await remove('while-asleep');
});

test('connections that die without a word, and a server that falls silent: soon stale, then in step again', async (t) => {
  const wire = await between(proxy.port);
  t.after(() => wire.stop());
  const dashboard = await openDashboard(t, browser, wire.page, '#/configmaps?ns=default&wire=1');
  await dashboard.reaches('live');
  wire.stall();
  let began = Date.now();
  await create('silence');
  await dashboard.reaches('stale', 20_000);
  t.diagnostic(`stale ${Date.now() - began} ms after the connections died`);
  await dashboard.shoot('half-open');
  await dashboard.shows(['default/silence']);
  await dashboard.reaches('live');
  t.diagnostic(`in step ${Date.now() - began} ms after`);
  await cluster.control('pause-apiserver');
  began = Date.now();
  await dashboard.reaches('stale', 20_000);
  t.diagnostic(`stale ${Date.now() - began} ms after the API server was stopped in its tracks`);
  assert.deepEqual(await dashboard.keys(), ['default/silence'], 'what it had stays in view');
  await cluster.control('resume-apiserver');
  await dashboard.reaches('live');
  await remove('silence');
  await dashboard.shows([]);
});

test('who may not is told so, and what to do', async (t) => {
  const limited = await cluster.proxy(directory, { as: cluster.facts.viewer_token });
  t.after(() => limited.stop());
  const dashboard = await openDashboard(t, browser, limited.page, '#/secrets');
  await dashboard.page.waitForSelector('[data-testid=empty][data-state=forbidden]');
  assert.match(await dashboard.page.getByTestId('empty').innerText(), /forbidden|not allowed|may not/i);
  await dashboard.faultless('forbidden');
  await dashboard.shoot('forbidden');
});

test('who may look into one namespace only names it and sees it live', async (t) => {
  for (const line of [
    ['create', 'namespace', 'own'],
    ['create', 'serviceaccount', 'narrow', '--namespace=own'],
    ['create', 'role', 'narrow', '--namespace=own', '--verb=get,list,watch',
      '--resource=pods,services,configmaps,events,deployments.apps,replicasets.apps'],
    ['create', 'rolebinding', 'narrow', '--namespace=own', '--role=narrow', '--serviceaccount=own:narrow'],
  ]) await cluster.kubectl(line);
  const token = (await cluster.kubectl(['create', 'token', 'narrow', '--namespace=own'])).trim();
  const limited = await cluster.proxy(directory, { as: token });
  t.after(() => limited.stop());
  const dashboard = await openDashboard(t, browser, limited.page, '#/configmaps');
  const box = dashboard.page.getByTestId('namespace-box');
  await box.waitFor();
  await dashboard.told('Not allowed (403)');
  await dashboard.shoot('which-namespace');
  await box.fill('own');
  await box.press('Enter');
  await dashboard.reaches('live');
  assert.equal(await box.count(), 0);
  const made = ['create', 'configmap', 'within', '--namespace=own'];
  const { late } = await delay(dashboard, 'own/within', {}, () => cluster.kubectl(made));
  t.diagnostic(`a change in the one namespace was on the screen ${late} ms after kubectl ended`);
  await dashboard.go('#/configmaps?ns=default');
  await dashboard.page.waitForSelector('[data-testid=empty][data-state=forbidden]');
  assert.deepEqual(await dashboard.keys(), [], 'what was seen of one namespace is not shown in another');
  await dashboard.shoot('one-namespace');
  for (const line of [
    ['create', 'namespace', 'also'],
    ['create', 'role', 'narrow', '--namespace=also', '--verb=get,list,watch', '--resource=configmaps'],
    ['create', 'rolebinding', 'narrow', '--namespace=also', '--role=narrow', '--serviceaccount=own:narrow'],
    ['create', 'configmap', 'beside', '--namespace=also'],
  ]) await cluster.kubectl(line);
  await dashboard.go('#/configmaps?ns=also,own&q=!kube-root-ca');
  await dashboard.shows(['also/beside', 'own/within']);
  await cluster.kubectl(['delete', 'configmap', 'beside', '--namespace=also']);
  await dashboard.shows(['own/within']);
});

test('whose credentials have run out is told so', async (t) => {
  const limited = await cluster.proxy(directory, { as: 'no-such-token' });
  t.after(() => limited.stop());
  const dashboard = await openDashboard(t, browser, limited.page, '#/pods');
  await dashboard.told('Not signed in (401)');
  await dashboard.shoot('signed-out');
});

test('a new kind is known soon, and its objects are seen', async (t) => {
  const names = { plural: 'gauges', singular: 'gauge', kind: 'Gauge' };
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const additionalPrinterColumns = [{ name: 'Level', type: 'integer', jsonPath: '.spec.levels[?(@.of=="oil")].is' }];
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'gauges.example.com' },
    spec: { group: 'example.com', scope: 'Namespaced', names, versions: [{ name: 'v1', served: true, storage: true, schema, additionalPrinterColumns }] },
  };
  const dashboard = await openDashboard(t, browser, proxy.page, '#/gauges.example.com');
  const watches = [];
  dashboard.page.on('websocket', (socket) => watches.push(socket.url()));
  await dashboard.page.waitForSelector('[data-testid=empty][data-state=unknown]');
  await cluster.kubectl(['create', '-f', '-'], definition);
  const made = Date.now();
  await dashboard.page.waitForSelector('[data-testid=kind][data-kind="gauges.example.com"]', { timeout: 60_000 });
  t.diagnostic(`known ${Date.now() - made} ms after kubectl ended`);
  await cluster.kubectl(['create', '-f', '-'], { apiVersion: 'example.com/v1', kind: 'Gauge', metadata: { name: 'one' }, spec: { levels: [{ of: 'water', is: 3 }, { of: 'oil', is: 717 }] } });
  await dashboard.row('default/one');
  // It has the columns of its definition, and has them as soon as they change.
  const shows = async (title, value) => {
    await dashboard.page.getByRole('columnheader', { name: title }).waitFor();
    await dashboard.page.getByTestId('row').getByRole('gridcell', { name: value, exact: true }).waitFor();
  };
  await shows('Level', '717');
  const definitions = watches.filter((url) => url.includes('customresourcedefinitions'));
  assert.ok(definitions.length > 0 && definitions.every((url) => /fieldSelector=metadata\.name/.test(url)), `of the definitions that one alone: ${definitions}`);
  const renamed = [{ op: 'replace', path: '/spec/versions/0/additionalPrinterColumns/0', value: { name: 'Water', type: 'integer', jsonPath: '.spec.levels[0].is' } }];
  await cluster.kubectl(['patch', 'crd', 'gauges.example.com', '--type=json', `--patch=${JSON.stringify(renamed)}`]);
  await shows('Water', '3');
  // However deep it nests, an object keeps none of the others away.
  for (const depth of [300, 600, 2_000]) {
    const spec = Array.from({ length: depth }).reduce((within) => [within], 1);
    const object = { apiVersion: 'example.com/v1', kind: 'Gauge', metadata: { name: `deep-${depth}` }, spec };
    await cluster.kubectl(['create', '--raw', '/apis/example.com/v1/namespaces/default/gauges', '-f', '-'], object);
  }
  await dashboard.shows(['default/deep-2000', 'default/deep-300', 'default/deep-600', 'default/one']);
  await dashboard.page.reload();
  await dashboard.shows(['default/deep-2000', 'default/deep-300', 'default/deep-600', 'default/one']);
  await dashboard.reaches('live');
  await dashboard.go('#/gauges.example.com?open=default%2Fdeep-300&pane=yaml');
  assert.match(await dashboard.page.getByTestId('no-yaml').innerText(), /more than 127 levels deep/);
  await dashboard.shoot('too-deep-for-yaml');
  await cluster.kubectl(['delete', 'crd', 'gauges.example.com']);
  await dashboard.page.waitForSelector('[data-testid=empty][data-state=unknown]', { timeout: 60_000 });
});

test('a kind that can only be listed: shown as it was listed, said to be so, and listed anew when asked for', async (t) => {
  const dashboard = await openDashboard(t, browser, proxy.page, '#/componentstatuses?all=1&wire=1');
  await dashboard.row('etcd-0');
  const names = (await cluster.kubectl(['get', 'componentstatuses', '-o', 'name'])).trim().split('\n').map((name) => name.split('/').pop());
  await dashboard.shows(names);
  const told = () => dashboard.page.getByTestId('not-live').innerText();
  await until('its age', async () => /^Not live: listed \d+s ago$/.test(await told()), { show: told });
  const again = dashboard.page.waitForRequest((request) => request.url().includes('/componentstatuses'));
  await dashboard.page.getByTestId('refresh').press('Enter');
  assert.match((await again).url(), /\?includeObject=Object/);
  await dashboard.reaches('live');
  assert.deepEqual((await dashboard.wire()).filter(({ kind }) => kind === 'componentstatuses'), [], 'nobody watches it');
  await dashboard.faultless('not live');
  await dashboard.shoot('not-live');
  await dashboard.go('#/componentstatuses?open=etcd-0&pane=yaml');
  await until('its YAML', async () => /conditions:/.test(await dashboard.page.getByTestId('yaml').innerText()));
});

test('YAML of a megabyte and a half: written in slices, only what is in view is laid out, the end can be reached, and no editor', async (t) => {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  await cluster.kubectl(['create', '-f', '-'], {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'bulks.example.com' },
    spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'bulks', singular: 'bulk', kind: 'Bulk' }, versions: [{ name: 'v1', served: true, storage: true, schema }] },
  });
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd/bulks.example.com', '--timeout=60s']);
  const lines = Array.from({ length: 30_000 }, (_, line) => `line ${line}: ${'x'.repeat(26)}`).join('\n');
  const object = { apiVersion: 'example.com/v1', kind: 'Bulk', metadata: { name: 'large' }, spec: { lines, long: 'y'.repeat(320_000), zz: 'the last' } };
  const size = JSON.stringify(object).length;
  assert.ok(size > 1_480_000, `${size} bytes: about all that etcd takes`);
  await cluster.kubectl(['create', '--raw', '/apis/example.com/v1/namespaces/default/bulks', '-f', '-'], object);
  const dashboard = await openDashboard(t, browser, proxy.page, '#/bulks.example.com?ns=default');
  await dashboard.row('default/large');
  await dashboard.reaches('live');
  const opening = await mainThreadTasks(browser, dashboard.page, async () => {
    await dashboard.go('#/bulks.example.com?ns=default&open=default%2Flarge&pane=yaml');
    await dashboard.page.getByTestId('yaml').waitFor();
    await dashboard.page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn))));
  });
  t.diagnostic(`${described(opening)}`);
  assert.ok(opening[0] < 50, `the longest task took ${opening[0]} ms`);
  await dashboard.shoot('large-yaml');
  const shown = () => dashboard.page.getByTestId('yaml').innerText();
  assert.ok((await shown()).split('\n').length < 300);
  await dashboard.page.getByTestId('yaml-scroller').evaluate((node) => (node.scrollTop = node.scrollHeight));
  await until('the end', async () => (await shown()).includes('the last'), { show: shown });
  // A text area of this size would be laid out in one task of half a second, and again at every key.
  const editing = await mainThreadTasks(browser, dashboard.page, async () => {
    await dashboard.page.getByTestId('edit-switch').click();
    await dashboard.page.getByTestId('cannot-edit').waitFor();
  });
  t.diagnostic(`told that it is too large to be edited: ${described(editing)}`);
  assert.match(await dashboard.page.getByTestId('cannot-edit').innerText(), /too large to be edited here.*kubectl edit/s);
  assert.equal(await dashboard.page.getByTestId('editor').count(), 0);
  assert.ok(editing[0] < 50, `the longest task took ${editing[0]} ms`);
  await dashboard.faultless('too large to be edited');
  await dashboard.shoot('large-edit');
  await cluster.kubectl(['delete', 'crd', 'bulks.example.com']);
});

test('pictures of a cluster with something in it, light and dark', async (t) => {
  await cluster.kubectl(['create', 'deployment', 'web', '--image=example.invalid/web', '--replicas=3']);
  for (const colorScheme of ['light', 'dark']) {
    const dashboard = await openDashboard(t, browser, proxy.page, '#/', { colorScheme });
    await dashboard.reaches('live');
    await dashboard.page.getByTestId('overview').waitFor();
    await dashboard.shoot(`overview-${colorScheme}`);
    await dashboard.go('#/deployments.apps?open=default%2Fweb&pane=yaml');
    await dashboard.row('default/web');
    await dashboard.page.getByTestId('yaml').waitFor();
    await dashboard.shoot(`detail-${colorScheme}`);
  }
  await cluster.kubectl(['delete', 'deployment', 'web']);
});
