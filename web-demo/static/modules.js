// The page's further modules, each fetched when it is first needed: a page on a real cluster begins without any.

/** A cluster in memory: `{ fetch, WebSocket }`, by which it is asked. */
export async function plant(pods, rate, seed) {
  const memory = await import('./memory.js');
  return memory.plant(pods, rate, seed);
}

/** What `text` is as YAML; web-demo/yaml says how that is told. */
export async function readYaml(text) {
  const { default: init, read } = await import('./yaml.js');
  await init();
  return read(text);
}
