// Portolan: a dynamic informer over fetch.
import init, { Informer } from './bench_page.js';

await init();

export async function sync() {
  // Kept for as long as the page.
  globalThis.informer = new Informer('Pod', 'pods');
  const objects = await informer.sync();
  return { objects, prove: () => informer.proof() };
}
