// JavaScript by hand as a contestant: fetch, JSON.parse, a Map; the watch split at line ends.

import { contest, settings } from './contestant.mjs';

await contest('fetch, JSON.parse, a Map by key', async (tell) => {
  const pods = new Map();
  const key = ({ metadata }) => `${metadata.namespace}/${metadata.name}`;
  const url = `${settings.server}/api/v1/pods`;
  const list = await (await fetch(`${url}?resourceVersion=0`)).json();
  for (const pod of list.items) {
    pods.set(key(pod), pod);
    tell();
  }
  watch(`${url}?watch=true&resourceVersion=${list.metadata.resourceVersion}`, pods, key, tell);
  return () => [...pods.values()];
});

async function watch(url, pods, key, tell) {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of (await fetch(url)).body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const { type, object } = JSON.parse(line);
      if (type === 'DELETED') pods.delete(key(object));
      else pods.set(key(object), object);
      tell();
    }
  }
}
