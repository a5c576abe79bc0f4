/** The sum that proves the work: src/contestant.rs tells of what. */
export function proof(pods) {
  const encoder = new TextEncoder();
  let sum = 0;
  for (const pod of pods) {
    const deep = pod.spec?.containers?.[0]?.image ?? '';
    let hash = 0x811c9dc5;
    for (const byte of encoder.encode(`${pod.metadata.name}\0${pod.metadata.resourceVersion}\0${deep}`)) {
      hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    }
    sum += hash;
  }
  return sum;
}
