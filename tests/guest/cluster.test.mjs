// The test guest under Node on a real API server through kubectl proxy: over HTTP and over WebSocket.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runGuest } from '../../transport-host/host.mjs';
import { startCluster } from '../browser/cluster.mjs';
import { buildGuest } from './building.mjs';

test('a guest plays the scenario on a real API server', async (t) => {
  const guest = await buildGuest();
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  const proxy = await cluster.proxy(import.meta.dirname);
  t.after(() => proxy.stop());
  for (const watchOver of ['http', 'socket']) {
    const said = [];
    await runGuest(guest, { server: proxy.origin, watchOver, input: '{"play":"scenario"}', say: (line) => said.push(line) });
    assert.equal(said.length, 11, watchOver);
    assert.equal(said[0], 'added a uid=1 version=1 initial');
  }
});
