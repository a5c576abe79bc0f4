// Portolan in a dedicated worker of a page from bare-page.mjs: no window, no document.

/** Starts one in `page`; the function it returns runs `body` there, with `bare` the module and `state` kept between. */
export async function startWorker(page) {
  await page.evaluate(() => {
    const worker = new Worker('./worker.js', { type: 'module' });
    let last = 0;
    globalThis.inWorker = (body) => new Promise((resolve, reject) => {
      const id = (last += 1);
      const listen = ({ data: [answered, value, error] }) => {
        if (answered !== id) return;
        worker.removeEventListener('message', listen);
        if (error) reject(new Error(error));
        else resolve(value);
      };
      worker.addEventListener('message', listen);
      worker.postMessage([id, body]);
    });
  });
  return (body) => page.evaluate((body) => globalThis.inWorker(body), body);
}
