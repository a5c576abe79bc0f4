// What a page's renderer holds.
import { readFileSync } from 'node:fs';

/** The proportional set of the page's renderer once garbage is collected and nothing runs, in bytes. */
export async function settledMemory(browser, page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('HeapProfiler.collectGarbage');
  await page.waitForTimeout(1000);
  await devtools.send('HeapProfiler.collectGarbage');
  await devtools.detach();
  const whole = await browser.newBrowserCDPSession();
  const { processInfo } = await whole.send('SystemInfo.getProcessInfo');
  await whole.detach();
  const sizes = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => {
    const text = readFileSync(`/proc/${id}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+) kB/m.exec(text)[1]) * 1024;
  });
  // Of several renderers the page's is the largest.
  return Math.max(...sizes);
}

/** What the WebAssembly memories of a page hold, in bytes: it never becomes less. */
export async function moduleMemory(page) {
  const devtools = await page.context().newCDPSession(page);
  const { result } = await devtools.send('Runtime.evaluate', { expression: 'WebAssembly.Memory.prototype' });
  const { objects } = await devtools.send('Runtime.queryObjects', { prototypeObjectId: result.objectId });
  const sum = 'function () { return this.reduce((sum, { buffer }) => sum + buffer.byteLength, 0); }';
  const size = await devtools.send('Runtime.callFunctionOn', { objectId: objects.objectId, functionDeclaration: sum });
  await devtools.detach();
  return size.result.value;
}
