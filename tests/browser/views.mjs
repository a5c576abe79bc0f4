// Every view of the dashboard on the cluster in memory.

/** Its name, its hash (POD is the key of one), the keys that lead on from there, what then is there and in which state. */
export const VIEWS = [
  ['overview', '#/', '', 'overview'],
  ['pods', '#/pods', '', 'row'],
  ['deployments', '#/deployments.apps?ns=shop,search', '', 'row'],
  ['nodes', '#/nodes', '', 'row'],
  ['services', '#/services', '', 'row'],
  ['config maps', '#/configmaps', '', 'row'],
  ['events', '#/events', '', 'empty', 'none'],
  ['custom resource', '#/backups.demo.example.com', '', 'row'],
  ['facts', '#/pods?open=POD', '', 'detail'],
  ['yaml', '#/pods?open=POD&pane=yaml', '', 'yaml'],
  ['edit', '#/pods?open=POD&pane=edit', '', 'editor'],
  ['logs', '#/pods?open=POD&pane=logs', '', 'log-line'],
  ['terminal', '#/pods?open=POD&pane=terminal', '', 'terminal-screen'],
  ['owners', '#/pods?open=POD&pane=owners', '', 'owner'],
  ['masked secret', '#/secrets', 'jy', 'yaml'],
  ['revealed secret', '#/secrets', 'jyx', 'yaml'],
  ['locked secret', '#/secrets', 'je', 'locked'],
  ['delete', '#/pods?open=POD', 'D', 'dialog'],
  ['scale', '#/deployments.apps', 'jS', 'dialog'],
  ['restart', '#/deployments.apps', 'jR', 'dialog'],
  ['cordon', '#/nodes', 'jC', 'dialog'],
  ['wire', '#/pods?wire=1', '', 'wire-informer'],
  ['help', '#/pods', '?', 'help'],
  ['palette', '#/pods', ':', 'jump-choice'],
  ['keep a view', '#/pods', 'v', 'naming'],
  ['wrong selector', '#/pods?q=label:app+in+(a', '', 'filter-problem'],
  ['no match', '#/pods?q=no+such+thing', '', 'empty', 'no-match'],
  ['unknown', '#/gizmos', '', 'empty', 'unknown'],
];

/** Goes to one of them. */
export async function show({ page, go }, [, hash, keys, there, state], pod) {
  await go(hash.replace('POD', encodeURIComponent(pod)));
  const [, kind] = /^#.([^?]*)/.exec(hash);
  if (kind) await page.waitForSelector(`[data-testid=table][data-kind="${kind}"]`);
  if (keys.startsWith('j')) await page.waitForSelector(`[data-testid=table][data-kind="${kind}"] [data-testid=row]`);
  await page.keyboard.type(keys);
  await page.locator(`[data-testid=${there}]${state ? `[data-state=${state}]` : ''}`).first().waitFor();
}
