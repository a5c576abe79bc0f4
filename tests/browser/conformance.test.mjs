// The contract of a transport, clause by clause, in a real Chromium: in a page and in a worker.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { aroundPages } from './around.mjs';
import { buildBarePage } from './bare-page.mjs';
import { buildServers, serve } from './building.mjs';
import { closeAfter, openPage } from './chromium.mjs';
import { startWorker } from './worker.mjs';

let browser, peer;

aroundPages(buildBarePage, async (made) => {
  browser = made.browser;
  buildServers();
  peer = await serve('portolan-peer', made.directory);
});

after(() => peer?.stop());

async function open(t) {
  const page = await openPage(browser, `${peer.address}/index.html`);
  closeAfter(t, page);
  await page.waitForFunction(() => document.title === 'ready');
  return page;
}

function allSay(word, lines) {
  assert.ok(lines.length >= 18, `${lines.length} lines`);
  assert.deepEqual(lines.filter((line) => !line.startsWith(`${word}: `)), []);
}

test('the browser transport keeps every clause in a page', async (t) => {
  const lines = await (await open(t)).evaluate(() => bare.clauses());
  allSay('holds', lines);
  t.diagnostic(`${lines.length} of ${lines.length} clauses hold`);
});

test('the browser transport keeps every clause in a worker', async (t) => {
  const run = await startWorker(await open(t));
  allSay('holds', await run('return bare.clauses();'));
});

test('every broken transport is found out in the browser', async (t) => {
  const lines = await (await open(t)).evaluate(() => bare.flaws());
  // A browser shows no redirect, so nothing built on it can follow one.
  const cannot = lines.filter((line) => line.startsWith('missed: Follows '));
  assert.equal(cannot.length, 1);
  allSay('caught', lines.filter((line) => !cannot.includes(line)));
});

test('a socket that nobody reads is closed when its buffer is full, and that is counted', async (t) => {
  const told = await (await open(t)).evaluate(() => bare.overflow(500));
  assert.match(told, /^\d+ bytes were kept: true; then the WebSocket was closed: more than 500 bytes .*; over: true$/);
});

test('after the first refused handshakes the page asks before it tries', async (t) => {
  const failed = await (await open(t)).evaluate(() => bare.refused_handshakes());
  assert.ok(failed >= 1 && failed <= 8, `${failed} of 40 failed by a handshake`);
});
