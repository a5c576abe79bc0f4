// The packed package's handles in Node, on a canned API server of config maps that is a `fetch` of one's own.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { until } from '../../tests/browser/waiting.mjs';
import { install, pack } from './package.mjs';

let portolan;

before(async () => {
  portolan = await import(join(install(pack()), 'node_modules/portolan/dist/node.js'));
});

const BODIES = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
  '/api/v1': { kind: 'APIResourceList', groupVersion: 'v1', resources: [{ name: 'configmaps', singularName: 'configmap', namespaced: true, kind: 'ConfigMap', verbs: ['get', 'list', 'watch'] }] },
};

const configMap = (name, resourceVersion) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', uid: name, resourceVersion } });

const BEGINNING = [
  { type: 'ADDED', object: configMap('one', '1') },
  { type: 'BOOKMARK', object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { resourceVersion: '1', annotations: { 'k8s.io/initial-events-end': 'true' } } } },
];

/** A client of a server that is down, or says nothing of config maps, as long as `server` says so; it is closed with the test. */
function connect(t, server = {}) {
  const own = async (request) => {
    if (server.down) throw new TypeError('nobody answers');
    const { pathname, searchParams } = new URL(request.url);
    if (BODIES[pathname]) return Response.json(BODIES[pathname]);
    if (!searchParams.has('watch')) return new Response('', { status: 404 });
    const lines = server.silent ? [] : BEGINNING;
    const body = new ReadableStream({
      start(controller) {
        for (const line of lines) controller.enqueue(new TextEncoder().encode(`${JSON.stringify(line)}\n`));
      },
    });
    return new Response(body, { headers: { 'content-type': 'application/json' } });
  };
  const client = portolan.connect({ server: 'http://canned', fetch: own, linger: 0 });
  t.after(() => client.close());
  return client;
}

test('a listener that is put on, taken off and put on again in one go is told', async (t) => {
  const informer = connect(t).informer({ gvr: 'v1/configmaps' });
  const heard = [];
  const hear = ({ name }) => heard.push(name);
  informer.on('add', hear).off('add', hear).on('add', hear);
  await until('it is told', () => heard.length > 0);
  assert.deepEqual(heard, ['one']);
});
