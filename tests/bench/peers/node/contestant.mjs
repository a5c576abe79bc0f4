// What both JavaScript contestants share: the protocol of src/contestant.rs, measuring, and the proof.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { proof } from '../../page/www/proof.mjs';

export const settings = Object.fromEntries(process.argv.slice(2).map((pair) => pair.split(/=(.*)/s, 2)));

export const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

export function since() {
  const [cpu, wall] = [cpuSeconds(), performance.now()];
  return () => ({ cpu: cpuSeconds() - cpu, wall: (performance.now() - wall) / 1e3 });
}

// Resident memory now and at its highest, in bytes.
export function memory() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const field = (name) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))[1]) * 1024;
  return { rss: field('VmRSS'), peak: field('VmHWM') };
}

export function heap() {
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const deep = (pod) => pod.spec?.containers?.[0]?.image ?? '';

function byNode(pods) {
  const nodes = new Map();
  for (const pod of pods) {
    const node = pod.spec.nodeName ?? '';
    if (!nodes.has(node)) nodes.set(node, []);
    nodes.get(node).push(pod);
  }
  return nodes;
}

// Counts what it is told, and tells when a number is reached.
function counter() {
  let [events, wanted, reached] = [0, Infinity, () => {}];
  return {
    tell() {
      events += 1;
      if (events >= wanted) reached();
    },
    get events() {
      return events;
    },
    wait(number) {
      if (events >= number) return Promise.resolve();
      return new Promise((resolve) => {
        [wanted, reached] = [number, resolve];
      });
    },
  };
}

// Runs `start(tell)`, which begins an informer that calls `tell` for each event, and gives a function that lists what it
// holds.
export async function contest(described, start) {
  const told = counter();
  const [before, rss] = [heap(), memory().rss];
  say({ did: 'start', rss, settings: `node ${process.version}; ${described}` });
  let read = since();
  const list = await start(told.tell);
  await told.wait(Number(settings.objects));
  say({ did: 'sync', ...read() });

  const { peak } = memory();
  const used = heap() - before;
  await new Promise((resolve) => setTimeout(resolve, 300));
  say({ did: 'settle', rss: memory().rss, peak, heap: used });
  say({ did: 'prove', objects: list().length, proof: proof(list()) });
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, number] = line.split(' ');
    if (word === 'watch') {
      read = since();
      const wanted = told.events + Number(number);
      say({ did: 'ready' });
      await told.wait(wanted);
      say({ did: 'watch', ...read(), events: Number(number), proof: proof(list()) });
    } else if (word === 'read') {
      read = since();
      let [bytes, rows] = [0, 0];
      for (const [node, pods] of byNode(list())) {
        for (const pod of pods) {
          const { name, namespace, resourceVersion } = pod.metadata;
          bytes += name.length + namespace.length + resourceVersion.length + deep(pod).length + node.length;
          rows += 1;
        }
      }
      say({ did: 'read', ...read(), rows, proof: bytes });
    } else {
      break;
    }
  }
  process.exit(0);
}
