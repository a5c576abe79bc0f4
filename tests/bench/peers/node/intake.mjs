// The bytes of a list, in memory already, to a store: by the module of ../../page, and by JSON.parse into a Map.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { proof } from '../../page/www/proof.mjs';
import { heap, say, settings, since } from './contestant.mjs';

/** About what Chromium's fetch hands over at once: 60 MB over loopback come in 82 to 99 pieces. */
const CHUNK = 640 << 10;

const bytes = new Uint8Array(await (await fetch(`${settings.server}/api/v1/pods?resourceVersion=0`)).arrayBuffer());
const contestants = { wasm: () => wasm(false), 'wasm-compact': () => wasm(true), 'by-hand': byHand };
const run = await contestants[settings.contestant]();
const before = run.held();
const read = since();
const { objects, prove } = run();
const { cpu, wall } = read();
const held = run.held() - before;
if (objects !== Number(settings.objects)) throw new Error(`it holds ${objects} objects of ${settings.objects}`);
say({
  did: 'all',
  proof: prove(),
  values: { sync_cpu: cpu, sync_wall: wall, settled: held / objects },
  settings: `node ${process.version}; ${run.described}`,
});

async function wasm(compact) {
  const module = await import(pathToFileURL(join(settings.page, 'bench_page.js')));
  const { memory } = await module.default({ module_or_path: readFileSync(join(settings.page, 'bench_page_bg.wasm')) });
  const run = () => {
    const intake = new module.Intake(compact);
    for (let at = 0; at < bytes.length; at += CHUNK) intake.push(bytes.subarray(at, at + CHUNK));
    return { objects: intake.objects(), prove: () => intake.proof() };
  };
  // A module's memory is never given back: what it has grown to is what it holds.
  run.held = () => memory.buffer.byteLength;
  run.described = 'wasm of the profile `wasm` with simd128; chunks of 640 KB; every item checked';
  return run;
}

function byHand() {
  const run = () => {
    const list = JSON.parse(new TextDecoder().decode(bytes));
    const pods = new Map(list.items.map((pod) => [`${pod.metadata.namespace}/${pod.metadata.name}`, pod]));
    return { objects: pods.size, prove: () => proof(pods.values()) };
  };
  run.held = heap;
  run.described = 'TextDecoder, JSON.parse, a Map by key';
  return run;
}
