// The dashboard's logs, terminal and owner tree: on the cluster in memory, and on a real one whose kubelet runs commands.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aroundTests } from './around.mjs';
import { PHONE, buildDashboard, openDashboard } from './dashboard.mjs';
import { until } from './waiting.mjs';

const HOSTILE = '<img src=x onerror=window.hacked=1> \u202evil \\033[31mred\\033[0m';

const container = (name, script) => ({ name, image: 'none', command: ['sh', '-c', script] });
const pod = (name, containers, more = {}) => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { nodeName: 'node-1', containers, ...more },
});

const PODS = [
  pod('web', [
    container('main', `printf '${HOSTILE}\\n'; echo two of main; exec sleep 1000`),
    container('counting', 'n=0; while :; do n=$((n+1)); echo "count $n"; sleep 0.2; done'),
    container('flood', 'seq 1 9990; n=9990; while :; do n=$((n+1)); echo $n; sleep 0.05; done'),
    container('again', 'if [ -f mark ]; then echo second run; exec sleep 1000; fi; touch mark; echo first run; exit 1'),
  ]),
  { ...pod('waiting', [container('main', 'true')]), spec: { containers: [container('main', 'true')] } },
];

let browser, cluster, proxy, directory;

aroundTests(buildDashboard, ['--kubelet'], async (made) => {
  ({ browser, cluster, proxy, directory } = made);
  for (const item of PODS) await cluster.kubectl(['create', '-f', '-'], item);
  await cluster.kubectl(['wait', '--for=jsonpath={.status.phase}=Running', 'pod/web', '--timeout=120s']);
}, ['--reject-paths=^$']);

const open = async (t, hash, options) => {
  const dashboard = await openDashboard(t, browser, proxy.page, hash, options);
  await dashboard.reaches('live');
  return dashboard;
};
const MEMORY = { query: 'source=memory&rate=0&pods=200' };

const text = (dashboard, id) => dashboard.page.getByTestId(id).innerText();
const lines = (dashboard) => dashboard.page.getByTestId('log-line').allInnerTexts();
const count = async (dashboard) => Number(await dashboard.page.getByTestId('log').getAttribute('data-lines'));
const pressed = (dashboard, id) => dashboard.page.getByTestId(id).getAttribute('aria-pressed');
const focused = (dashboard) => dashboard.page.evaluate(() => document.activeElement.dataset.testid ?? document.activeElement.tagName);
const holds = (dashboard, id, wanted) => until(`${id} that says ${wanted}`, async () => (await text(dashboard, id)).match(wanted), {
  show: () => text(dashboard, id),
});
const clean = (dashboard) => assert.deepEqual(dashboard.page.said.filter((line) => /^error|Content Security Policy/.test(line) && !/status of 400/.test(line)), []);

test('in memory: logs follow, are searched and scrolled, by the keyboard alone', async (t) => {
  const dashboard = await open(t, '#/pods', MEMORY);
  const { page } = dashboard;
  await page.waitForSelector('[data-testid=row]');
  await page.keyboard.type('jl');
  await holds(dashboard, 'log-state', /Following/);
  const before = await until('all lines of before', async () => (await count(dashboard)) >= 1000 && count(dashboard));
  await until('a new line', async () => (await count(dashboard)) > before);
  assert.ok((await lines(dashboard)).length < 150, 'only what is in view is in the document');
  const atEnd = () => page.getByTestId('log').evaluate((log) => log.scrollTop + log.clientHeight >= log.scrollHeight - 20);
  await until('the last line in view', atEnd);
  await dashboard.shoot('inspect-memory-logs');
  await page.getByTestId('log-find').focus();
  await page.keyboard.type('items/1');
  await holds(dashboard, 'log-hits', /\d+ lines/);
  await page.keyboard.press('Enter');
  await holds(dashboard, 'log-hits', /(\d+) of \1/);
  const marked = () => page.locator('.log-line').evaluateAll((all) => all.map((line) => [...line.querySelectorAll('.hit')].map(({ textContent }) => textContent).join('')).filter(Boolean));
  await until('all of what is looked for is marked', async () => (await marked()).some((text) => text === 'items/1'));
  assert.deepEqual((await marked()).filter((text) => !/^(items\/1)+$/.test(text)), [], 'and nothing else');
  // So many lines back that the end is out of view, wherever they lie.
  for (let line = 0; line < 40; line += 1) await page.keyboard.press('Shift+Enter');
  await page.getByTestId('log-end').waitFor();
  assert.equal(await page.getByTestId('detail').count(), 1, 'what is typed in the box is no key of the page');
  await page.keyboard.press('Escape');
  assert.equal(await focused(dashboard), 'log');
  await page.getByTestId('log-only').focus();
  await page.keyboard.press('Enter');
  await until('only the lines that hold it', async () => (await lines(dashboard)).every((line) => line.includes('items/1')));
  assert.equal(await pressed(dashboard, 'log-only'), 'true');
  await dashboard.shoot('inspect-memory-search');
  await page.getByTestId('log').focus();
  await page.keyboard.press('Home');
  await until('the first line in view', () => page.getByTestId('log').evaluate((log) => log.scrollTop === 0));
  await page.getByTestId('log-end').focus();
  await page.keyboard.press('Enter');
  await until('the last line in view', atEnd);
  await page.getByTestId('log-follow').focus();
  await page.keyboard.press('Enter');
  await holds(dashboard, 'log-state', /Not following/);
  await page.keyboard.press('y');
  await page.getByTestId('yaml').waitFor();
  clean(dashboard);
});

test('in memory: a terminal with a stand-in, and a key that leaves it', async (t) => {
  const dashboard = await open(t, '#/pods', MEMORY);
  const { page } = dashboard;
  await page.waitForSelector('[data-testid=row]');
  await page.keyboard.type('js');
  await holds(dashboard, 'terminal-screen', /This is no shell/);
  assert.equal(await focused(dashboard), 'terminal');
  const key = await page.getByTestId('detail').getAttribute('data-key');
  await page.keyboard.type('jjk?wow');
  await page.keyboard.press('Enter');
  await holds(dashboard, 'terminal-screen', /jjk\?wow\s+jjk\?wow/);
  assert.equal(await page.getByTestId('detail').getAttribute('data-key'), key, 'no key reaches the page');
  assert.equal(await page.getByTestId('help').count(), 0);
  await dashboard.shoot('inspect-memory-terminal');
  await page.keyboard.press('F6');
  assert.equal(await focused(dashboard), 'terminal-switch');
  await page.getByTestId('terminal').focus();
  await page.keyboard.type('exit 3\n');
  await holds(dashboard, 'terminal-state', /exit code 3/);
  await page.keyboard.press('Enter');
  await holds(dashboard, 'terminal-state', /Connected/);
  clean(dashboard);
});

test('in memory: the owner tree, walked by keys', async (t) => {
  const dashboard = await open(t, '#/deployments.apps', MEMORY);
  const { page } = dashboard;
  await page.waitForSelector('[data-testid=row]');
  await page.keyboard.type('ju');
  const kinds = () => page.getByTestId('owner').evaluateAll((lines) => lines.map((line) => line.dataset.kind));
  await until('pods below the deployment', async () => (await kinds()).includes('Pod'));
  assert.equal((await kinds())[0], 'Deployment');
  await dashboard.shoot('inspect-memory-owners');
  await page.getByTestId('owner').first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.kind), 'Pod');
  const key = await page.evaluate(() => document.activeElement.dataset.key);
  await page.keyboard.press('Enter');
  await page.waitForSelector(`[data-testid=detail][data-key="${key}"]`);
  await until('the same tree from the pod', async () =>
    (await page.locator('[data-testid=owner][aria-current=true]').getAttribute('data-key')) === key);
  clean(dashboard);
});

test('at the width of a phone all three fit', async (t) => {
  const dashboard = await open(t, '#/pods', { ...MEMORY, ...PHONE });
  const { page } = dashboard;
  await page.waitForSelector('[data-testid=row]');
  const [key] = await dashboard.keys();
  for (const [pane, there] of [['logs', 'log-line'], ['terminal', 'terminal-screen'], ['owners', 'owner']]) {
    await dashboard.go(`#/pods?open=${encodeURIComponent(key)}&pane=${pane}`);
    await page.getByTestId(there).first().waitFor();
    if (pane === 'terminal') await holds(dashboard, 'terminal-screen', /no shell/);
    await dashboard.shoot(`inspect-phone-${pane}`);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  }
});

test('logs are those kubectl prints, of each container and run; hostile text is text', async (t) => {
  const dashboard = await open(t, '#/pods?ns=default&open=default%2Fweb&pane=logs&container=main');
  const { page } = dashboard;
  await until('both lines', async () => (await lines(dashboard)).length === 2);
  const [first, second] = await lines(dashboard);
  assert.equal(first, '<img src=x onerror=window.hacked=1> ‹U+202E›vil red');
  assert.equal(second, 'two of main');
  assert.equal(await page.locator('.log-line .ink-1').innerText(), 'red');
  assert.equal(await page.locator('.log img').count(), 0);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await page.getByTestId('log-times').focus();
  await page.keyboard.press('Enter');
  const stamped = await cluster.kubectl(['logs', 'web', '--container=main', '--timestamps']);
  await until('times', async () => (await lines(dashboard))[1] === stamped.trim().split('\n')[1], { show: () => lines(dashboard) });
  await page.getByTestId('stream-container').selectOption('again');
  await until('the second run', async () => (await lines(dashboard)).join().endsWith('second run'));
  await page.getByTestId('log-previous').focus();
  await page.keyboard.press('Enter');
  await until('the first run', async () => (await lines(dashboard)).join().endsWith('first run'));
  await page.getByTestId('stream-container').selectOption('main');
  await holds(dashboard, 'log-state', /no run before/);
  await dashboard.faultless('inspect-no-previous');
  await dashboard.shoot('inspect-no-previous');
  await dashboard.go('#/pods?ns=default&open=default%2Fwaiting&pane=logs');
  await holds(dashboard, 'log-state', /has not started yet. Asking again/);
  clean(dashboard);
});

test('a stream that breaks is taken up again, each line once, and aborted when its tab is left', async (t) => {
  const dashboard = await open(t, '#/pods?ns=default&open=default%2Fweb&pane=logs&container=counting&tail=100');
  const { page } = dashboard;
  await until('counting', async () => (await count(dashboard)) > 5);
  await cluster.control('stop-apiserver');
  await holds(dashboard, 'log-state', /Asking again/);
  const before = await count(dashboard);
  await cluster.control('start-apiserver');
  await holds(dashboard, 'log-state', /Following/);
  await until('more lines', async () => (await count(dashboard)) > before + 5);
  const numbers = (await lines(dashboard)).map((line) => Number(line.replace('count ', '')));
  assert.deepEqual(numbers, numbers.map((_, index) => numbers[0] + index), 'each once, in order');
  const aborted = page.waitForEvent('requestfailed', (request) => request.url().includes('/log?'));
  await page.keyboard.press('y');
  assert.match((await aborted).failure().errorText, /ABORTED/);
  await dashboard.reaches('live');
});

test('of a flood the newest lines are kept, and what is read stays in place', async (t) => {
  const dashboard = await open(t, '#/pods?ns=default&open=default%2Fweb&pane=logs&container=flood&tail=10000');
  const { page } = dashboard;
  await holds(dashboard, 'log-dropped', /older lines/);
  assert.equal(await count(dashboard), 10_000);
  assert.equal(await page.getByTestId('log-end').count(), 0, 'it is at the end');
  const log = page.getByTestId('log');
  await log.evaluate((log) => log.scrollTo(0, 50_000));
  await page.getByTestId('log-end').waitFor();
  const seen = () => log.evaluate((log) => {
    const { top, bottom } = log.getBoundingClientRect();
    const inView = ({ top: line }) => line >= top && line < bottom;
    return [...log.querySelectorAll('.log-line')].find((line) => inView(line.getBoundingClientRect()))?.textContent;
  });
  const dropped = async () => parseInt(await text(dashboard, 'log-dropped'), 10);
  const before = await dropped();
  const line = await until('lines where it was scrolled to', seen);
  await until('more dropped', async () => (await dropped()) > before + 20);
  assert.equal(await seen(), line);
});

test('a shell in a container: its size, its keys, its end', async (t) => {
  const dashboard = await open(t, '#/pods?ns=default&open=default%2Fweb&pane=facts');
  const { page } = dashboard;
  await page.keyboard.press('s');
  await holds(dashboard, 'terminal-state', /Connected/);
  // What is typed before the shell asks for it may be another's to read.
  const prompted = () => holds(dashboard, 'terminal-screen', /[#$]\s*$/);
  await prompted();
  await page.keyboard.type('echo $((6*7))-$TERM\n');
  await holds(dashboard, 'terminal-screen', /42-xterm-256color/);
  await prompted();
  const rows = () => page.locator('.term-row').count();
  await page.keyboard.type('stty size\n');
  const [, columns] = await holds(dashboard, 'terminal-screen', new RegExp(`^${await rows()} (\\d+)$`, 'm'));
  await prompted();
  await page.setViewportSize({ width: 1100, height: 700 });
  await until('fewer rows', async () => (await rows()) < 40);
  await page.keyboard.type('clear; stty size\n');
  await until('another size', async () => {
    const size = (await text(dashboard, 'terminal-screen')).match(/^(\d+) (\d+)$/m);
    return size && Number(size[1]) === (await rows()) && Number(size[2]) < Number(columns);
  }, { show: () => text(dashboard, 'terminal-screen') });
  await prompted();
  await page.keyboard.type("clear; echo 'be''gun'; sleep 1000; echo 'ended'\n");
  await holds(dashboard, 'terminal-screen', /^begun$/m);
  await page.keyboard.press('Control+c');
  await prompted();
  await page.keyboard.type("printf '\\033[1;32mgreen\\033[0m \\033[44mon blue\\033[0m <b>x</b>\\n'\n");
  await page.locator('.term-row .ink-2.bold', { hasText: 'green' }).waitFor();
  assert.equal(await page.locator('.term b').count(), 0);
  await dashboard.faultless('inspect-terminal');
  await dashboard.shoot('inspect-terminal');
  await page.keyboard.type('exit 7\n');
  await holds(dashboard, 'terminal-state', /exit code 7/);
  clean(dashboard);
});

test('where kubectl proxy refuses commands the page says how to start it', async (t) => {
  const guarded = await cluster.proxy(directory);
  t.after(guarded.stop);
  const dashboard = await openDashboard(t, browser, guarded.page, '#/pods?ns=default&open=default%2Fweb&pane=terminal');
  await holds(dashboard, 'stream-trouble', /kubectl proxy --port=\d+ --reject-paths='\^\$' --www=FOLDER/);
  assert.match(await text(dashboard, 'terminal-state'), /lets no commands pass/);
  assert.equal((await dashboard.page.locator('.term').boundingBox()).height, 0, 'an empty screen says nothing');
  await dashboard.faultless('inspect-refused');
  await dashboard.shoot('inspect-refused');
});

test('the owner tree holds kinds that the page does not watch, and lives', async (t) => {
  const create = async (kind, name, owner) => {
    const made = await cluster.kubectl(['create', '-o', 'json', '-f', '-'], {
      apiVersion: 'v1', kind, metadata: { name, ownerReferences: owner && [owner] },
    });
    return { apiVersion: 'v1', kind, name, uid: JSON.parse(made).metadata.uid };
  };
  const top = await create('ConfigMap', 'top');
  const middle = await create('Secret', 'middle', top);
  await create('ServiceAccount', 'bottom', middle);
  const dashboard = await open(t, '#/configmaps?ns=default&open=default%2Ftop&pane=owners');
  const { page } = dashboard;
  const tree = () => page.getByTestId('owner').evaluateAll((lines) =>
    lines.map((line) => `${line.getAttribute('aria-level')} ${line.dataset.kind} ${line.dataset.key}`));
  const shows = (...wanted) => until(`the tree ${wanted}`, async () => (await tree()).join() === wanted.join(), { show: tree });
  const [one, two, three] = ['1 ConfigMap default/top', '2 Secret default/middle', '3 ServiceAccount default/bottom'];
  await shows(one, two, three);
  await create('Secret', 'other', top);
  await shows(one, two, three, '2 Secret default/other');
  await cluster.kubectl(['delete', 'serviceaccount/bottom', 'secret/other']);
  await shows(one, two);
  await dashboard.faultless('inspect-owners');
  await dashboard.shoot('inspect-owners');
  await page.getByTestId('owner').nth(1).click();
  await page.waitForSelector('[data-testid=detail][data-key="default/middle"]');
  await shows(one, two);
  clean(dashboard);
});
