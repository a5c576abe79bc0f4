// A bare page (tests/browser/page) as a test holds it.
import { closeAfter, openPage, toldGone } from './chromium.mjs';
import { until } from './waiting.mjs';

/** Opens `address`, with a Tab whose watches go over `over`; at the end of test `t` it is closed. */
export async function openTab(t, browser, address, { over = 'socket', idle = 0, ...options } = {}) {
  const page = await openPage(browser, address, options);
  closeAfter(t, page);
  const tab = {
    page,
    /** The WebSockets on which the server said 410. */
    gone: toldGone(page),
    /** Makes the Tab; again after the page was loaded anew. */
    async begin() {
      await page.waitForFunction(() => document.title === 'ready');
      await page.evaluate(async ([over, idle]) => {
        globalThis.tab = new Tab(over, idle);
        await tab.discover();
      }, [over, idle]);
    },
    /** An informer of each form on config maps: their names. */
    informForms: () => page.evaluate(() => tab.inform_forms()),
    inform: (names) => page.evaluate((names) => tab.inform(names), names),
    status: () => page.evaluate(() => JSON.parse(tab.status())),
    traffic: () => page.evaluate(() => JSON.parse(tab.traffic())),
    events: () => page.evaluate(() => JSON.parse(tab.events())),
    /** The most WebSockets that were in their handshake at once. */
    mostPending: () => page.evaluate(() => globalThis.mostPending),
    wakes: () => page.evaluate(() => tab.wakes()),
    objects: (name) => page.evaluate((name) => JSON.parse(tab.objects(name)), name),
    request: (path) => page.evaluate((path) => tab.request(path), path),
    /** Waits until every informer is live. */
    live: () => until('live informers', async () => {
      const status = await tab.status();
      return status.length > 0 && status.every(({ phase }) => phase === 'Live') && status;
    }, { show: () => tab.status() }),
    /** Waits until an informer, that on `resource` if none is named, holds exactly what the server has of `resource`. */
    converge: (cluster, resource, informer = resource) => until(`the page holds the server's ${informer}`, async () => {
      const [held, there] = [await tab.objects(informer), await truth(cluster, resource)];
      return JSON.stringify(sorted(held)) === JSON.stringify(sorted(there));
    }, { show: () => tab.status() }),
  };
  await tab.begin();
  return tab;
}

/** What kubectl says there is: key → resource version. */
async function truth(cluster, resource) {
  const list = JSON.parse(await cluster.kubectl(['get', resource, '--all-namespaces', '-o', 'json']));
  return Object.fromEntries(list.items.map(({ metadata: { namespace, name, resourceVersion } }) => [
    namespace ? `${namespace}/${name}` : name,
    resourceVersion,
  ]));
}

function sorted(object) {
  return Object.entries(object).sort();
}
