// What the JavaScript contestants share.
import { proof } from './proof.mjs';

/** Lists the pods into a Map, and watches on, as a page does; `read` makes pods of the parsed list. */
export async function store(read) {
  const list = await (await fetch('/api/v1/pods?resourceVersion=0')).json();
  const pods = new Map();
  for (const pod of read(list)) pods.set(`${pod.metadata.namespace}/${pod.metadata.name}`, pod);
  // Kept for as long as the page.
  globalThis.pods = pods;
  globalThis.watch = fetch(`/api/v1/pods?watch=true&resourceVersion=${list.metadata.resourceVersion}`);
  return { objects: pods.size, prove: () => proof(pods.values()) };
}
