// A server whose every word means harm: HTML, scripts, characters that turn a line around or end it. Nothing of it runs, and
// what is read is what is there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aroundPages } from './around.mjs';
import { buildDashboard, openDashboard } from './dashboard.mjs';
import { notFound, serveFiles } from './files.mjs';
import { until } from './waiting.mjs';

const EVIL = '<img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>\u202e\u2066\u2028\u001b[31m"\'&lt;\nline';
/** A name is part of addresses, in which a slash would be two names. */
const NAME = 'a<img src=x onerror=hacked=1>\u202eb\nc';

let browser, directory;

aroundPages(buildDashboard, (made) => ({ browser, directory } = made));

/** Resource name → where it is, its kind, and an object's own fields. */
const KINDS = {
  pods: ['/api/v1', 'Pod', {
    spec: { nodeName: NAME, containers: [{ name: EVIL, image: EVIL, command: [EVIL] }], initContainers: [{ name: `init ${EVIL}` }] },
    status: {
      phase: EVIL, podIP: EVIL, message: EVIL, reason: EVIL,
      containerStatuses: [{ name: EVIL, image: EVIL, state: { waiting: { reason: EVIL, message: EVIL } } }],
      conditions: [{ type: EVIL, status: 'False', reason: EVIL, message: EVIL }],
    },
  }],
  services: ['/api/v1', 'Service', { spec: { type: EVIL, clusterIP: EVIL, ports: [{ name: EVIL, port: 1, protocol: EVIL }], selector: { [EVIL]: EVIL } } }],
  configmaps: ['/api/v1', 'ConfigMap', { data: { [EVIL]: EVIL } }],
  secrets: ['/api/v1', 'Secret', { type: EVIL, data: { [EVIL]: btoa('x') } }],
  nodes: ['/api/v1', 'Node', {
    spec: { unschedulable: true, taints: [{ key: EVIL, value: EVIL, effect: EVIL }] },
    status: {
      nodeInfo: { kubeletVersion: EVIL, osImage: EVIL }, addresses: [{ type: 'InternalIP', address: EVIL }],
      capacity: { cpu: '1', memory: '1Gi', pods: '10', [EVIL]: '1' }, allocatable: { cpu: '1', memory: '1Gi', pods: '10' },
      conditions: [{ type: 'Ready', status: 'False', reason: EVIL, message: EVIL }],
    },
  }, 'cluster'],
  namespaces: ['/api/v1', 'Namespace', { status: { phase: EVIL } }, 'cluster'],
  events: ['/api/v1', 'Event', {
    type: 'Warning', reason: EVIL, message: EVIL, count: 3, lastTimestamp: new Date().toISOString(),
    involvedObject: { kind: 'Pod', name: NAME, namespace: NAME }, source: { component: EVIL },
  }],
  'deployments.apps': ['/apis/apps/v1', 'Deployment', {
    spec: { replicas: 2, template: { spec: { containers: [{ name: EVIL, image: EVIL }] } } },
    status: { conditions: [{ type: 'Progressing', status: 'False', reason: EVIL, message: EVIL }] },
  }],
  'replicasets.apps': ['/apis/apps/v1', 'ReplicaSet', { spec: { replicas: 1 } }],
  'customresourcedefinitions.apiextensions.k8s.io': ['/apis/apiextensions.k8s.io/v1', 'CustomResourceDefinition', {
    spec: {
      group: EVIL, names: { kind: EVIL }, scope: EVIL,
      versions: [{ name: 'v1', additionalPrinterColumns: [{ name: EVIL, type: 'string', jsonPath: '.spec.evil', description: EVIL }] }],
    },
  }, 'cluster'],
  'widgets.example.com': ['/apis/example.com/v1', 'Widget', { spec: { evil: EVIL }, status: { phase: EVIL } }],
};

function objectOf(resource) {
  const [place, kind, fields, cluster] = KINDS[resource];
  const defines = resource.startsWith('customresourcedefinitions');
  const name = defines ? 'widgets.example.com' : NAME;
  return {
    apiVersion: place.replace(/^\/apis?\//, ''), kind,
    metadata: {
      name, ...(!cluster && { namespace: NAME }), uid: kind, resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { [EVIL]: EVIL }, annotations: { [EVIL]: EVIL }, finalizers: [EVIL],
      ownerReferences: [{ apiVersion: 'v1', kind: EVIL, name: EVIL, uid: EVIL, controller: true }],
    },
    ...fields,
  };
}

const RESOURCES = new Map(Object.entries(KINDS).map(([resource, [place]]) => [`${place}/${resource.split('.')[0]}`, resource]));

/** What is listed and watched there, in all namespaces or in one. */
const resourceAt = (path) => RESOURCES.get(path.replace(/\/namespaces\/[^/]+(?=\/)/, ''));

const status = (code, reason) => ({
  kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: EVIL,
  details: { name: EVIL, causes: [{ reason: 'FieldManagerConflict', field: EVIL, message: `conflict with "${EVIL}"` }] },
});

/** What the server answers. */
function answer(request, response) {
  const { pathname } = new URL(request.url, 'http://hostile');
  const json = (body, code = 200) => response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (pathname === '/version') return json({ major: '1', minor: '36', gitVersion: EVIL });
  if (pathname === '/api') return json({ kind: 'APIVersions', versions: ['v1'] });
  const groups = [...new Set(Object.values(KINDS).map(([place]) => place))];
  const found = groups.filter((place) => place !== '/api/v1').map((place) => place.slice('/apis/'.length));
  if (pathname === '/apis') {
    const group = (groupVersion) => ({ name: groupVersion.split('/')[0], versions: [{ groupVersion, version: 'v1' }], preferredVersion: { groupVersion, version: 'v1' } });
    return json({ kind: 'APIGroupList', apiVersion: 'v1', groups: found.map(group) });
  }
  if (groups.includes(pathname)) {
    const of = Object.entries(KINDS).filter(([, [place]]) => place === pathname);
    const resource = ([name, [, kind, , cluster]]) => ({ name: name.split('.')[0], kind, namespaced: !cluster, verbs: ['get', 'list', 'watch', 'patch', 'delete'] });
    return json({ kind: 'APIResourceList', groupVersion: pathname.replace(/^\/apis?\//, ''), resources: of.map(resource) });
  }
  if (pathname.endsWith('/selfsubjectaccessreviews')) {
    let asked = '';
    request.on('data', (chunk) => (asked += chunk));
    return request.on('end', () => json({ status: JSON.parse(asked).spec.resourceAttributes.resource === 'services' ? { allowed: false, reason: EVIL } : { allowed: true } }, 201));
  }
  if (pathname.endsWith('/log')) return response.writeHead(200, { 'content-type': 'text/plain' }).end(`2026-01-01T00:00:00Z ${EVIL}\n`);
  const resource = resourceAt(pathname);
  if (request.method === 'GET' && resource) {
    const { apiVersion, kind, ...object } = objectOf(resource);
    return json({ apiVersion, kind: `${kind}List`, metadata: { resourceVersion: '7' }, items: [object] });
  }
  if (request.method === 'PATCH') return json(status(409, 'Conflict'), 409);
  if (request.method === 'DELETE') return json(status(422, 'Invalid'), 422);
  return notFound(request, response);
}

/** What is told over a watch: the one object, and that it is all. */
function tell(request) {
  const { pathname, searchParams } = new URL(request.url, 'http://hostile');
  const resource = resourceAt(pathname);
  if (!resource || !searchParams.has('watch')) return undefined;
  const object = objectOf(resource);
  const end = { apiVersion: object.apiVersion, kind: object.kind, metadata: { resourceVersion: '7', annotations: { 'k8s.io/initial-events-end': 'true' } } };
  return [{ type: 'ADDED', object }, { type: 'BOOKMARK', object: end }].map((event) => `${JSON.stringify(event)}\n`);
}

/** What of the page is not as it should be. */
const faults = (page) => page.evaluate(() => {
  const WILD = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    if (WILD.test(data) && !parentElement.closest('textarea')) found.push(`text of ${parentElement.outerHTML.slice(0, 200)}`);
  }
  for (const element of document.querySelectorAll('[title], [aria-label], [placeholder]')) {
    for (const name of ['title', 'aria-label', 'placeholder']) {
      const text = element.getAttribute(name) ?? '';
      if (WILD.test(text)) found.push(`${name} of ${element.outerHTML.slice(0, 200)}`);
    }
  }
  for (const element of document.querySelectorAll('h1, h2, h3, [role=columnheader], option, .head, .tail, .what')) {
    if (/[\r\n]/.test(element.textContent)) found.push(`two lines in ${element.outerHTML.slice(0, 200)}`);
  }
  if (WILD.test(document.title)) found.push('the title of the document');
  for (const element of document.querySelectorAll('img, iframe, object, embed, base, form, link:not([href="app.css"], [href="icon.svg"], [href="web_demo.js"]), script:not([src="boot.js"]), [href^="javascript:" i]')) {
    found.push(`an element ${element.outerHTML.slice(0, 200)}`);
  }
  if (globalThis.hacked) found.push('it ran');
  return found;
});

test('whatever a server says is text, in every view, dialog and message', async (t) => {
  const files = await serveFiles(t, directory, answer, tell);
  const dashboard = await openDashboard(t, browser, files.page, '#/');
  const { page } = dashboard;
  let views = 0;
  const faultless = async (name) => {
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    assert.deepEqual(await faults(page), [], name);
    views += 1;
  };
  const there = (testid) => page.getByTestId(testid).first().waitFor();
  await dashboard.reaches('live');
  await until('the node', async () => (await page.getByTestId('load').count()) > 1);
  await page.getByTestId('attention').first().waitFor();
  await faultless('overview');
  await dashboard.shoot('hostile overview');

  for (const resource of Object.keys(KINDS)) {
    await dashboard.go(`#/${resource}`);
    await page.waitForSelector(`[data-testid=table][data-kind="${resource}"] [data-testid=row]`);
    await faultless(resource);
    await page.keyboard.type('j');
    const panes = { Enter: 'facts', y: 'yaml', e: resource === 'secrets' ? 'locked' : 'editor' };
    if (resource !== 'events') panes.u = 'owner'; // an event has no family
    if (resource === 'pods') Object.assign(panes, { l: 'log-line', s: 'stream-trouble' });
    for (const [key, testid] of Object.entries(panes)) {
      if (key === 'Enter') await page.keyboard.press('Enter');
      else await page.keyboard.type(key);
      if (testid === 'facts') await there('detail');
      else await there(testid);
      if (testid === 'editor') assert.match(await page.getByTestId('unseen').innerText(), /U\+202E in line \d+, column \d+; /);
      await faultless(`${resource} ${testid}`);
      // Out of the terminal and the editor, which take the keys.
      if (key === 's' || testid === 'editor') await page.getByTestId('facts-switch').click();
    }
    await page.keyboard.press('Escape');
  }

  await dashboard.go('#/widgets.example.com');
  await page.getByTestId('sort').filter({ hasText: 'img' }).waitFor();
  await dashboard.shoot('hostile columns');
  await faultless('columns of a definition');

  for (const [resource, key] of [['deployments.apps', 'D'], ['deployments.apps', 'S'], ['deployments.apps', 'R'], ['nodes', 'C']]) {
    await dashboard.go(`#/${resource}`);
    await page.waitForSelector(`[data-testid=table][data-kind="${resource}"] [data-testid=row]`);
    await page.keyboard.type(`j${key}`);
    await there('dialog');
    assert.match(await page.locator('#dialog-title').innerText(), / a<img src=x onerror=hacked=1>‹U\+202E›b‹U\+000A›c/);
    await faultless(`${resource} ${key}`);
    await dashboard.shoot(`hostile ${key}`);
    await page.keyboard.press('Enter');
    await there('failure');
    await faultless(`${resource} ${key}, refused`);
    await dashboard.shoot('hostile refused');
    await page.getByTestId('dismiss').click();
  }

  await dashboard.go('#/services');
  await page.waitForSelector('[data-testid=table][data-kind=services] [data-testid=row]');
  await page.keyboard.type('j');
  await page.keyboard.press('Enter');
  await page.locator('[data-testid=act][data-act=delete][aria-disabled=true]').waitFor();
  await faultless('a button that is off');
  await page.keyboard.type('D');
  await there('failure');
  await faultless('what may not be done');
  await page.getByTestId('dismiss').click();

  await dashboard.go('#/configmaps');
  await page.waitForSelector('[data-testid=table][data-kind=configmaps] [data-testid=row]');
  await page.keyboard.type('je');
  await dashboard.shoot('hostile editor');
  await page.getByTestId('editor').fill('kind: [');
  await page.getByTestId('review').press('Enter');
  await there('edit-problem');
  await page.getByTestId('editor').fill(`kind: ConfigMap\nmetadata:\n  name: ${JSON.stringify(NAME)}\n`);
  await page.getByTestId('review').press('Enter');
  await until('the refusal', async () => /img/.test(await page.getByTestId('edit-problem').innerText()));
  await faultless('an edit that is refused');

  await page.getByTestId('title').click();
  for (const [key, testid] of [['Control+k', 'jump'], ['?', 'help'], ['v', 'naming'], ['w', 'wire']]) {
    if (key.length > 1) await page.keyboard.press(key);
    else await page.keyboard.type(key);
    await there(testid);
    if (testid === 'jump') await page.keyboard.type('img', { delay: 0 });
    if (testid === 'jump') await page.locator('[data-choice=object]').first().waitFor();
    await faultless(testid);
    await page.keyboard.press('Escape');
  }
  // Addresses are written by others too.
  for (const hash of [`#/${encodeURIComponent(EVIL)}`, `#/pods?ns=${encodeURIComponent(EVIL)}`, `#/pods?q=${encodeURIComponent(`label:${EVIL}`)}`, `#/pods?open=${encodeURIComponent(`x/${EVIL}`)}`]) {
    await dashboard.go(hash);
    await faultless(hash);
  }
  const network = /^error: (Failed to load resource|WebSocket connection)/;
  assert.deepEqual(page.said.filter((line) => /^error: |Content Security Policy/.test(line) && !network.test(line)), []);
  t.diagnostic(`${views} views`);
});

test('a server that refuses everything in such words', async (t) => {
  const refuse = (_, response) => response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify(status(403, 'Forbidden')));
  const files = await serveFiles(t, directory, refuse);
  const dashboard = await openDashboard(t, browser, files.page, '#/pods?wire=1');
  await dashboard.told('Not allowed (403)');
  await until('what was said', async () => /img/.test(await dashboard.page.getByTestId('notice').innerText()));
  assert.deepEqual(await faults(dashboard.page), []);
});
