// What stands around the tests of a file: a cluster, a browser, and a proxy that serves a page's files.
import { after, before } from 'node:test';
import { launch } from './chromium.mjs';
import { startCluster } from './cluster.mjs';

/** Makes them before the first test, from what `build` builds, a cluster with `flags` and a proxy with `proxyFlags`; takes them down after the last. */
export function aroundTests(build, flags, take, proxyFlags = []) {
  const made = {};
  before(async () => {
    made.directory = build();
    made.cluster = await startCluster(...flags);
    made.browser = await launch();
    made.proxy = await made.cluster.proxy(made.directory, { flags: proxyFlags });
    await take(made);
  });
  after(async () => {
    await made.browser?.close();
    await made.proxy?.stop();
    await made.cluster?.stop();
  });
}
