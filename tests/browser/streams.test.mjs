// Logs, exec, attach, copies and port-forward in a real Chromium, through a `kubectl proxy` that lets them pass, kubectl
// beside them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { aroundTests } from './around.mjs';
import { buildBarePage } from './bare-page.mjs';
import { openTab } from './tab.mjs';

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web' },
  spec: {
    nodeName: 'node-1',
    containers: [
      ...['main', 'side'].map((name) => ({
        name,
        image: 'none',
        command: ['sh', '-c', `echo one of ${name}; echo two of ${name}; exec sleep 1000`],
      })),
      { name: 'reader', image: 'none', stdin: true, command: ['cat'] },
    ],
  },
};

let browser, cluster, proxy, directory;

aroundTests(buildBarePage, ['--kubelet'], async (made) => {
  ({ browser, cluster, proxy, directory } = made);
  await cluster.kubectl(['create', '-f', '-'], POD);
  await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/web', '--timeout=120s']);
}, ['--reject-paths=^$']);

const call = (tab, method, ...args) => tab.page.evaluate(([method, args]) => tab[method](...args), [method, args]);

test('a page follows logs as kubectl prints them', async (t) => {
  const tab = await openTab(t, browser, proxy.page);
  const lines = await call(tab, 'logs', 'web', 'side', 2);
  assert.equal(`${lines.join('\n')}\n`, await cluster.kubectl(['logs', 'web', '--container=side']));
  await assert.rejects(call(tab, 'logs', 'web', 'none', 1), /container none is not valid for pod web/);
});

test('a page runs commands, feeds them and learns how they ended', async (t) => {
  const tab = await openTab(t, browser, proxy.page);
  const exec = async (command, input = '') => JSON.parse(await call(tab, 'exec', 'web', 'main', command, input));
  const script = 'cat; echo err >&2; exit 3';
  const said = await exec(['sh', '-c', script], 'fed\n');
  assert.deepEqual(said, { protocol: 'V5', stdout: 'fed\n', stderr: 'err\n', code: 3 });
  const much = 'x'.repeat(1_000_000);
  assert.equal((await exec(['cat'], much)).stdout, much);
  const theirs = await cluster.kubectl(['exec', 'web', '--container=main', '--', 'pwd']);
  assert.equal((await exec(['pwd'])).stdout, theirs);
  assert.equal(await call(tab, 'terminal', 'web', 'main', 132, 43), '43 132');
});

test('a page attaches to a command that runs, and leaves it running', async (t) => {
  const tab = await openTab(t, browser, proxy.page);
  assert.equal(await call(tab, 'attach', 'web', 'reader', 'once\n'), 'once\n');
  assert.match(await call(tab, 'attach', 'web', 'reader', 'again\n'), /again\n$/);
  assert.equal(await cluster.kubectl(['logs', 'web', '--container=reader']), 'once\nagain\n');
  await assert.rejects(call(tab, 'attach', 'web', 'none', 'x'), /container none is not valid for pod web/);
});

test('a page copies files and folders both ways, as a tar', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-copies-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ['up/deep', 'back', 'theirs']) mkdirSync(join(folder, name), { recursive: true });
  const file = 'up/deep/ü file';
  const content = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 251));
  writeFileSync(join(folder, file), content);
  writeFileSync(join(folder, 'small'), 'x');
  const tab = await openTab(t, browser, proxy.page);
  const unpack = async (where, what) => {
    const archive = execFileSync('tar', ['cf', '-', '-C', folder, what], { maxBuffer: 4 << 20 });
    await call(tab, 'unpack', 'web', 'main', where, [...archive]);
  };
  const pack = async (name) => Buffer.from(await tab.page.evaluate(
    async (name) => [...await globalThis.tab.pack('web', 'main', '.', name)],
    name,
  ));
  await unpack('.', './up');
  await cluster.kubectl(['cp', '--container=main', 'web:up', join(folder, 'theirs')]);
  assert.deepEqual(readFileSync(join(folder, 'theirs/deep/ü file')), content);
  execFileSync('tar', ['xf', '-', '-C', join(folder, 'back')], { input: await pack('up') });
  assert.deepEqual(readFileSync(join(folder, 'back', file)), content);
  await assert.rejects(pack('none'), /tar in the container ended with exit code 2: .*none/);
  // Of a large one part would be on its way when tar ends, and with that the connection breaks, whatever it had to say.
  await assert.rejects(unpack('no/such/folder', './small'), /tar in the container ended with exit code 2: .*no\/such\/folder/);
});

test('a page is told why a command does not run', async (t) => {
  const tab = await openTab(t, browser, proxy.page);
  const exec = (pod, container) => call(tab, 'exec', pod, container, ['true'], '');
  await assert.rejects(exec('none', 'main'), /pods "none" not found/);
  await assert.rejects(exec('web', 'none'), /container none is not valid for pod web/);
  const guarded = await cluster.proxy(directory);
  t.after(guarded.stop);
  const other = await openTab(t, browser, guarded.page);
  await assert.rejects(call(other, 'exec', 'web', 'main', ['true'], ''), /403|Forbidden/i);
  await cluster.control('stop-kubelet');
  await assert.rejects(exec('web', 'main'), /connection refused/);
  await cluster.control('start-kubelet');
});

test('a page reaches a port of a pod', async (t) => {
  const server = createServer((peer) => peer.pipe(peer)).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const tab = await openTab(t, browser, proxy.page);
  const text = 'there and back '.repeat(10_000);
  assert.equal(await call(tab, 'port', 'web', server.address().port, text), text);
  await assert.rejects(call(tab, 'port', 'web', 1, 'x'), /connection refused/);
});
