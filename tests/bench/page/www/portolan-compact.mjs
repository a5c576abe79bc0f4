// The same with its objects packed as they come.
import init, { CompactInformer } from './bench_page.js';

await init();

export async function sync() {
  // Kept for as long as the page.
  globalThis.informer = new CompactInformer('Pod', 'pods');
  const objects = await informer.sync();
  return { objects, prove: () => informer.proof() };
}
