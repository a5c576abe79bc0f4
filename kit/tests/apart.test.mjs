// Two clusters and two users behind one origin, all in one worker that two tabs share: what they hold, what is kept of them
// and what they are refused stays apart, though their objects have the same names, uids and versions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aroundPages } from '../../tests/browser/around.mjs';
import { notFound, serveFiles } from '../../tests/browser/files.mjs';
import { until } from '../../tests/browser/waiting.mjs';
import { buildPage, openTab } from './page.mjs';

let browser, directory;

aroundPages(buildPage, (made) => ({ browser, directory } = made));

const ALL = ['alpha ann', 'alpha bob', 'beta ann', 'beta bob'];
/** Who may not look at config maps there. */
const REFUSED = 'beta bob';
const SERVED = ALL.filter((who) => who !== REFUSED);

const BODIES = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
  '/api/v1': { kind: 'APIResourceList', groupVersion: 'v1', resources: [{ name: 'configmaps', singularName: 'configmap', namespaced: true, kind: 'ConfigMap', verbs: ['get', 'list', 'watch'] }] },
};

const configMap = (value, resourceVersion) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'same', namespace: 'default', uid: 'same', resourceVersion }, data: { value } });

/** The clusters as one server: `/alpha/…` and `/beta/…`, whose users are called as their tokens are. */
function clusters() {
  const watches = new Map(ALL.map((who) => [who, new Set()]));
  const tell = (response, type, object) => response.write(`${JSON.stringify({ type, object })}\n`);
  const marked = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { resourceVersion: '1', annotations: { 'k8s.io/initial-events-end': 'true' } } };
  const server = {
    /** Nothing is said of config maps any more. */
    silent: false,
    /** What `who` is told of its object, with a version that all have. */
    change: (who, version) => watches.get(who).forEach((response) => tell(response, 'MODIFIED', configMap(`${who} ${version}`, version))),
    answer(request, response) {
      const { pathname, searchParams } = new URL(request.url, 'http://clusters');
      const [, cluster, path] = /^\/(alpha|beta)(\/.*)$/.exec(pathname) ?? [];
      if (!cluster) return notFound(request, response);
      const user = request.headers.authorization?.replace('Bearer ', '');
      const who = `${cluster} ${user}`;
      const json = (body, code = 200) => response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      if (BODIES[path]) return json(BODIES[path]);
      if (path === '/api/v1/namespaces/kube-system') return json({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system', uid: cluster } });
      if (path.endsWith('/selfsubjectreviews')) return json({ status: { userInfo: { username: user } } }, 201);
      if (path !== '/api/v1/configmaps') return notFound(request, response);
      if (who === REFUSED) return json({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 403, reason: 'Forbidden', message: `not for ${who}` }, 403);
      if (server.silent) return undefined;
      if (!searchParams.has('watch')) return json({ apiVersion: 'v1', kind: 'ConfigMapList', metadata: { resourceVersion: '1' }, items: [configMap(`${who} 1`, '1')] });
      response.writeHead(200, { 'content-type': 'application/json' });
      watches.get(who).add(response.on('close', () => watches.get(who).delete(response)));
      if (searchParams.has('sendInitialEvents')) {
        tell(response, 'ADDED', configMap(`${who} 1`, '1'));
        tell(response, 'BOOKMARK', marked);
      }
      return undefined;
    },
  };
  return server;
}

/** Connects to each cluster as each user, with an informer on each one's config maps. */
const begin = (tab) => tab.evaluate((all) => {
  globalThis.told = {};
  globalThis.clients = all.map((who) => {
    const [cluster, token] = who.split(' ');
    const client = portolan.connect({ server: `${location.origin}/${cluster}/`, token, mode: 'shared', linger: 0, warmStart: { every: 20 } });
    const informer = client.informer({ gvr: 'v1/configmaps' });
    const heard = (told[who] = { values: [], errors: [], informer });
    const put = ({ object }) => heard.values.push(object.data.value);
    informer.on('add', put).on('update', put).on('error', (error) => heard.errors.push(`${error.name}: ${error.message}`));
    return client;
  });
}, ALL);

const told = (tab) => tab.evaluate(() => Object.fromEntries(Object.entries(told).map(([who, { values, errors, informer }]) => [who, { values, errors: [...new Set(errors)], warm: informer.status.asOf !== undefined }])));

/** Waits until each tab was told `values` of each that is served, and of the one that is not, that it is refused. */
async function hear(tabs, values, { warm = false } = {}) {
  const wanted = Object.fromEntries(ALL.map((who) => [who, { values: who === REFUSED ? [] : values(who), refused: who === REFUSED, warm: warm && who !== REFUSED }]));
  const seen = async (tab) => Object.fromEntries(Object.entries(await told(tab)).map(([who, { values, errors, warm }]) => {
    for (const error of errors) assert.match(error, /^ForbiddenError: .*not for beta bob/, `an error of ${who}`);
    return [who, { values, refused: errors.length > 0, warm }];
  }));
  for (const tab of tabs) await until('what is its own, and nothing else', async () => JSON.stringify(await seen(tab)) === JSON.stringify(wanted), { show: () => seen(tab) });
}

/** What is kept: by cluster and user, the value of the object. */
const kept = (tab) => tab.evaluate(() => new Promise((resolve, reject) => {
  indexedDB.open('portolan').onsuccess = ({ target: { result: database } }) => {
    if (!database.objectStoreNames.contains('caches')) resolve({});
    else {
      const transaction = database.transaction('caches');
      const [names, caches] = ['getAllKeys', 'getAll'].map((all) => transaction.objectStore('caches')[all]());
      const value = ({ bytes }) => /"value":"([^"]*)"/.exec(new TextDecoder().decode(bytes))?.[1];
      transaction.onabort = () => reject(transaction.error);
      transaction.oncomplete = () => resolve(Object.fromEntries(names.result.map((name, at) => [JSON.parse(name).slice(0, 2).join(' '), value(caches.result[at])])));
    }
    database.close();
  };
}));

test('two clusters and two users in one shared worker never see, keep or are told what is not theirs', async (t) => {
  const server = clusters();
  const files = await serveFiles(t, directory, server.answer);
  const one = await openTab(t, browser, files.page);
  const two = await openTab(t, browser, files.page, one.context());
  for (const tab of [one, two]) await begin(tab);
  await hear([one, two], (who) => [`${who} 1`]);
  const session = await browser.newBrowserCDPSession();
  const { targetInfos } = await session.send('Target.getTargets');
  await session.detach();
  assert.equal(targetInfos.filter(({ type }) => type === 'shared_worker').length, 1, 'all in one worker');
  for (const open of await two.evaluate(() => Promise.all(clients.map((client) => client.open())))) {
    assert.deepEqual([open.informers, open.sessions], [1, 2], 'an engine for each of them, which both tabs share');
  }

  server.change('alpha ann', '2');
  await hear([one, two], (who) => [`${who} 1`, ...(who === 'alpha ann' ? ['alpha ann 2'] : [])]);
  server.change('beta ann', '2');
  server.change('alpha bob', '2');
  await hear([one, two], (who) => [`${who} 1`, `${who} 2`]);
  const last = JSON.stringify(Object.fromEntries(SERVED.map((who) => [who, `${who} 2`])));
  await until('the last of each is kept as its own', async () => JSON.stringify(await kept(one)) === last, { show: () => kept(one) });

  for (const tab of [one, two]) await tab.evaluate(() => clients.forEach((client) => client.close()));
  server.silent = true;
  await two.reload();
  await two.waitForFunction(() => document.title === 'ready');
  await begin(two);
  await hear([two], (who) => [`${who} 2`], { warm: true });
});
