// What the dashboard does to objects: on the cluster in memory, and through `kubectl proxy` on a real API server, by keys.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aroundTests } from './around.mjs';
import { PHONE, buildDashboard, inMemory, openDashboard } from './dashboard.mjs';
import { until } from './waiting.mjs';

let browser, cluster, directory, proxy;

aroundTests(buildDashboard, [], async (made) => {
  ({ browser, cluster, directory, proxy } = made);
  await cluster.kubectl(['create', 'namespace', 'shop']);
});

/** The page on the real cluster with the object `key` open. */
async function onCluster(t, kind, key) {
  const dashboard = await openDashboard(t, browser, proxy.page, `#/${kind}?open=${encodeURIComponent(key)}`);
  await dashboard.reaches('live');
  await dashboard.row(key);
  return dashboard;
}

const get = async (...args) => JSON.parse(await cluster.kubectl(['get', '--output=json', '--namespace=shop', ...args]));
const deploy = (name, replicas = 1) =>
  cluster.kubectl(['create', 'deployment', name, '--namespace=shop', '--image=example.invalid/web', `--replicas=${replicas}`]);

/** Which element has the focus: its id, test id or tag. */
const focus = ({ page }) => page.evaluate(() => {
  const { id, dataset, tagName } = document.activeElement;
  return id || dataset.testid || tagName;
});
const report = ({ page }) => page.locator('[data-testid=report][data-state=done]');
const act = ({ page }, name) => page.locator(`[data-testid=act][data-act=${name}]`);
const seen = ({ page }, testid) => page.getByTestId(testid).waitFor({ timeout: 60_000 });

/** Writes `text` in the editor, over all that is there. */
const write = ({ page }, text) => page.getByTestId('editor').fill(text);

test('in memory: delete, scale, restart and cordon, by keys alone', async (t) => {
  const dashboard = await inMemory(t, browser, directory, '#/deployments.apps');
  const { page } = dashboard;
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.keyboard.press('S');
  await seen(dashboard, 'dialog');
  assert.equal(await focus(dashboard), 'dialog-first');
  assert.notEqual(await page.locator('.page').getAttribute('inert'), null, 'what lies behind is out of reach');
  await page.keyboard.type('many');
  await page.keyboard.press('Enter');
  await until('what is wrong', async () => /whole number/.test(await page.getByTestId('dialog-problem').innerText()));
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('7');
  await dashboard.shoot('actions-scale-1440');
  await page.keyboard.press('Enter');
  await report(dashboard).filter({ hasText: 'now wants 7 replicas' }).waitFor();
  await page.keyboard.press('R');
  await until('the focus on the answer', async () => (await focus(dashboard)) === 'dialog-first');
  await page.keyboard.press('Enter');
  await report(dashboard).filter({ hasText: 'has begun' }).waitFor();
  await dashboard.faultless('actions-done-1440');
  await dashboard.shoot('actions-done-1440');
  const key = await page.getByTestId('detail').getAttribute('data-key');
  await page.keyboard.press('D');
  await until('the focus on the choice', async () => (await focus(dashboard)) === 'dialog-first');
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.locator('input[value=Foreground]').isChecked(), true);
  await dashboard.shoot('actions-delete-1440');
  await page.keyboard.press('Escape');
  assert.equal(await page.getByTestId('dialog').count(), 0);
  await dashboard.row(key);
  await page.keyboard.press('D');
  await seen(dashboard, 'dialog');
  await page.keyboard.press('Enter');
  await dashboard.row(key, { gone: true });
  await seen(dashboard, 'gone');
  await page.keyboard.type(':no', { delay: 0 });
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-testid=table][data-kind=nodes] [data-testid=row]');
  await page.keyboard.press('j');
  await page.keyboard.press('C');
  await seen(dashboard, 'dialog');
  await page.keyboard.press('Enter');
  await report(dashboard).filter({ hasText: 'takes no new pods' }).waitFor();
  await page.keyboard.press('Enter');
  await act(dashboard, 'cordon').filter({ hasText: 'Uncordon' }).waitFor();
  assert.deepEqual(page.said.filter((line) => line.startsWith('error')), []);
});

test('in memory: an edit is written, reviewed and applied; a Secret is masked until it is revealed', async (t) => {
  const dashboard = await inMemory(t, browser, directory, '#/configmaps');
  const { page } = dashboard;
  await page.keyboard.press('j');
  await page.keyboard.press('e');
  await until('the caret in the editor', async () => (await focus(dashboard)) === 'editor');
  const before = await page.getByTestId('editor').inputValue();
  assert.ok(!before.includes('managedFields') && !before.includes('resourceVersion'));
  await write(dashboard, 'kind: [\n');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  assert.equal(await focus(dashboard), 'review');
  await page.keyboard.press('Enter');
  await until('line and column', async () => /line \d+, column \d+/.test(await page.getByTestId('edit-problem').innerText()));
  await write(dashboard, before.replace('metadata:', 'metadata:\n  annotations:\n    note: "<script>alert(1)</script>"'));
  await page.getByTestId('review').press('Enter');
  await seen(dashboard, 'changes');
  assert.match(await page.getByTestId('changes').innerText(), /^\+ +note: .*<script>/m);
  await dashboard.faultless('actions-edit-memory-1440');
  await dashboard.shoot('actions-edit-memory-1440');
  await page.getByTestId('apply').press('Enter');
  await report(dashboard).filter({ hasText: 'has been changed' }).waitFor();
  await dashboard.go('#/secrets');
  await page.waitForSelector('[data-testid=table][data-kind=secrets] [data-testid=row]');
  await page.keyboard.press('j');
  await page.keyboard.press('e');
  await seen(dashboard, 'locked');
  assert.equal(await page.getByTestId('editor').count(), 0);
  await page.keyboard.press('y');
  await until('masks', async () => /masked/.test(await page.getByTestId('yaml').innerText()));
  await page.keyboard.press('x');
  await until('values', async () => !/masked/.test(await page.getByTestId('yaml').innerText()));
  await page.keyboard.press('j');
  await until('masks again', async () => /masked/.test(await page.getByTestId('yaml').innerText()));
});

test('on a phone the dialog, the editor and its review fit', async (t) => {
  const dashboard = await inMemory(t, browser, directory, '#/deployments.apps', PHONE);
  const { page } = dashboard;
  await page.locator('[data-testid=row]').first().tap();
  await act(dashboard, 'delete').tap();
  await seen(dashboard, 'dialog');
  await dashboard.faultless('actions-delete-390');
  await dashboard.shoot('actions-delete-390');
  await page.getByTestId('dialog-cancel').tap();
  await page.getByTestId('edit-switch').tap();
  const text = await page.getByTestId('editor').inputValue();
  await write(dashboard, text.replace(/replicas: \d+/, 'replicas: 9'));
  await page.getByTestId('review').tap();
  await seen(dashboard, 'changes');
  await dashboard.faultless('actions-edit-390');
  await dashboard.shoot('actions-edit-390');
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(wide, false, 'nothing sticks out');
});

test('on a real server: scale, restart, cordon and delete do what kubectl sees', async (t) => {
  await deploy('web', 2);
  const dashboard = await onCluster(t, 'deployments.apps', 'shop/web');
  const { page } = dashboard;
  await page.keyboard.press('S');
  await seen(dashboard, 'dialog');
  await page.keyboard.type('5');
  await page.keyboard.press('Enter');
  await report(dashboard).filter({ hasText: 'now wants 5' }).waitFor();
  assert.equal((await get('deployment', 'web')).spec.replicas, 5);
  await page.keyboard.press('R');
  await seen(dashboard, 'dialog');
  await page.keyboard.press('Enter');
  await report(dashboard).filter({ hasText: 'restart' }).waitFor();
  const restarted = (await get('deployment', 'web')).spec.template.metadata.annotations;
  assert.match(restarted['kubectl.kubernetes.io/restartedAt'], /^\d{4}-.*Z$/);
  await page.keyboard.press('D');
  await seen(dashboard, 'dialog');
  await page.keyboard.press('Enter');
  await dashboard.row('shop/web', { gone: true });
  await cluster.kubectl(['create', '-f', '-'], { apiVersion: 'v1', kind: 'Node', metadata: { name: 'far-node' } });
  t.after(() => cluster.kubectl(['delete', 'node', 'far-node']));
  const nodes = await onCluster(t, 'nodes', 'far-node');
  for (const cordoned of [true, undefined]) {
    await nodes.page.keyboard.press('C');
    await seen(nodes, 'dialog');
    await nodes.page.keyboard.press('Enter');
    await report(nodes).filter({ hasText: cordoned ? 'takes no new pods' : 'takes new pods again' }).waitFor();
    assert.equal((await get('node', 'far-node')).spec.unschedulable, cordoned);
    await act(nodes, 'cordon').filter({ hasText: cordoned ? 'Uncordon' : /^Cordon/ }).waitFor();
  }
});

test('on a real server: a review names the managers in the way, a field can be removed, nonsense is refused', async (t) => {
  await deploy('edited', 1);
  await cluster.kubectl(['label', 'deployment', 'edited', '--namespace=shop', 'old=yes']);
  const dashboard = await onCluster(t, 'deployments.apps', 'shop/edited');
  const { page } = dashboard;
  await page.keyboard.press('e');
  await seen(dashboard, 'editor');
  const text = () => page.getByTestId('editor').inputValue();
  await until('the label', async () => (await text()).includes('old:'), { show: text });
  const before = await text();
  await write(dashboard, before.replace(/ *old: .*\n/, '').replace('replicas: 1', 'replicas: 3'));
  await page.getByTestId('review').press('Enter');
  await seen(dashboard, 'conflicts');
  assert.match(await page.getByTestId('conflict').innerText(), /kubectl-create\s+\.spec\.replicas/);
  const changes = await page.getByTestId('changes').innerText();
  assert.match(changes, /^- +replicas: 1$/m);
  assert.match(changes, /^\+ +replicas: 3$/m);
  assert.match(changes, /^- +old: /m);
  await dashboard.faultless('actions-conflict-1440');
  await dashboard.shoot('actions-conflict-1440');
  assert.equal(await page.getByTestId('apply').getAttribute('aria-disabled'), 'true');
  await page.getByTestId('take').press(' ');
  await until('leave to apply', async () => (await page.getByTestId('apply').getAttribute('aria-disabled')) === 'false');
  await page.getByTestId('apply').press('Enter');
  await report(dashboard).filter({ hasText: 'has been changed' }).waitFor();
  const after = await get('deployment', 'edited', '--show-managed-fields');
  assert.equal(after.spec.replicas, 3);
  assert.equal(after.metadata.labels.old, undefined);
  assert.ok(after.metadata.managedFields.some(({ manager }) => manager === 'portolan-dashboard'));
  await until('what is there now', async () => (await text()).includes('replicas: 3'), { show: text });
  await write(dashboard, (await text()).replace('spec:', 'spec:\n  nonsense: 1'));
  await page.getByTestId('review').press('Enter');
  await until('the refusal', async () => /unknown field "spec.nonsense"/.test(await page.getByTestId('edit-problem').innerText()));
  await dashboard.faultless('actions-refused-1440');
  await dashboard.shoot('actions-refused-1440');
  await write(dashboard, (await text()).replace('  nonsense: 1\n', '').replace('replicas: 3', 'replicas: -3'));
  await page.getByTestId('review').press('Enter');
  await until('the cause', async () => /spec\.replicas: .*greater than or equal to 0/.test(await page.getByTestId('edit-problem').innerText()));
});

test('on a real server: a Secret edited once revealed keeps what was not touched', async (t) => {
  await cluster.kubectl(['create', 'secret', 'generic', 'keys', '--namespace=shop', '--from-literal=a=hunter2', '--from-literal=b=swordfish']);
  const dashboard = await onCluster(t, 'secrets', 'shop/keys');
  const { page } = dashboard;
  await page.keyboard.press('e');
  await seen(dashboard, 'locked');
  await page.getByTestId('reveal').press('Enter');
  await seen(dashboard, 'editor');
  const text = await page.getByTestId('editor').inputValue();
  await write(dashboard, text.replace(btoa('hunter2'), btoa('correct horse')));
  await page.getByTestId('review').press('Enter');
  await seen(dashboard, 'conflicts');
  await page.getByTestId('take').press(' ');
  await page.getByTestId('apply').press('Enter');
  await report(dashboard).filter({ hasText: 'has been changed' }).waitFor();
  const { data } = await get('secret', 'keys');
  assert.deepEqual(data, { a: btoa('correct horse'), b: btoa('swordfish') });
});

test('who may only look is told so before and after trying', async (t) => {
  await deploy('guarded');
  await cluster.kubectl(['create', 'serviceaccount', 'viewer', '--namespace=shop']);
  await cluster.kubectl(['create', '-f', '-'], {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'looker' },
    rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'watch'] }],
  });
  await cluster.kubectl(['create', 'clusterrolebinding', 'looker', '--clusterrole=looker', '--serviceaccount=shop:viewer']);
  const as = (await cluster.kubectl(['create', 'token', 'viewer', '--namespace=shop'])).trim();
  const own = await cluster.proxy(directory, { as });
  t.after(() => own.stop());
  const dashboard = await openDashboard(t, browser, own.page, '#/deployments.apps?ns=shop&open=shop%2Fguarded');
  const { page } = dashboard;
  await dashboard.row('shop/guarded');
  for (const name of ['scale', 'restart', 'delete']) {
    await until(`${name} is off`, async () => (await act(dashboard, name).getAttribute('aria-disabled')) === 'true');
    assert.match(await act(dashboard, name).getAttribute('title'), /You may not (patch|delete) deployments\.apps/);
  }
  await page.keyboard.press('D');
  await seen(dashboard, 'failure');
  assert.equal(await page.getByTestId('dialog').count(), 0);
  assert.match(await page.getByTestId('failure').innerText(), /kubectl auth can-i delete deployments\.apps -n shop/);
  await dashboard.faultless('actions-forbidden-1440');
  await dashboard.shoot('actions-forbidden-1440');
  await page.getByTestId('dismiss').press('Enter');
  await page.setViewportSize(PHONE.viewport);
  await page.keyboard.press('e');
  await seen(dashboard, 'edit-denied');
  await dashboard.faultless('actions-forbidden-390');
  await dashboard.shoot('actions-forbidden-390');
});

test('a refusal that could not be foreseen is told with what the server said', async (t) => {
  await deploy('raced');
  const dashboard = await onCluster(t, 'deployments.apps', 'shop/raced');
  const { page } = dashboard;
  await page.keyboard.press('D');
  await seen(dashboard, 'dialog');
  await cluster.kubectl(['delete', 'deployment', 'raced', '--namespace=shop', '--wait']);
  await deploy('raced', 2);
  await page.keyboard.press('Enter');
  await seen(dashboard, 'failure');
  assert.match(await page.getByTestId('failure').innerText(), /It has changed meanwhile \(409\)[\s\S]*UID/);
  assert.equal((await get('deployment', 'raced')).spec.replicas, 2, 'another object of that name is left alone');
});
