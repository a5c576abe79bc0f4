// Waiting for a state, with a generous deadline: how fast it came is printed, not asserted.

/** Asks `look` until it gives something truthy, which is returned; else fails with `what` and what `show` gives. */
export async function until(what, look, { within = 60_000, every = 25, show } = {}) {
  const deadline = Date.now() + within;
  let last;
  for (;;) {
    last = await look();
    if (last) return last;
    if (Date.now() > deadline) {
      const shown = show ? `\n${JSON.stringify(await show(), null, 1)}` : '';
      throw new Error(`not within ${within / 1000} s: ${what}${shown}`);
    }
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
