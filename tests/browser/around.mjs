// What stands around the tests of a file: a browser, and for some a cluster with a proxy that serves a page's files.
import { after, before } from 'node:test';
import { launch } from './chromium.mjs';
import { startCluster } from './cluster.mjs';

/** Builds with `build` and launches a browser before the first test; closes it after the last. */
export function aroundPages(build, take) {
  let browser;
  before(async () => {
    const directory = build();
    browser = await launch();
    await take({ browser, directory });
  });
  after(() => browser?.close());
}

/** The same with a cluster with `flags` and a proxy with `proxyFlags`, which serves what was built. */
export function aroundTests(build, flags, take, proxyFlags = []) {
  let cluster, proxy;
  aroundPages(build, async (made) => {
    cluster = await startCluster(...flags);
    proxy = await cluster.proxy(made.directory, { flags: proxyFlags });
    await take({ ...made, cluster, proxy });
  });
  after(async () => {
    await proxy?.stop();
    await cluster?.stop();
  });
}
