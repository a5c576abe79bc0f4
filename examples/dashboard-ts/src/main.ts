// A live table of pods: the program of docs/dashboard-typescript.md.
// ANCHOR: connect
import { connect, PortolanError, type Snapshot } from 'portolan';

const client = connect(); // the API server behind the page's own origin: `kubectl proxy`
// ANCHOR_END: connect

// ANCHOR: query
const columns = {
  phase: 'status.phase',
  restarts: { path: 'status.containerStatuses[*].restartCount', take: 'sum' },
  node: 'spec.nodeName',
} as const;

const pods = client.liveQuery({
  gvr: 'v1/pods',
  columns,
  sort: [{ by: 'metadata.namespace' }, { by: 'metadata.name' }],
  window: { start: 0, end: 200 },
});
// ANCHOR_END: query

// ANCHOR: draw
const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;

pods.subscribe(draw); // called for each new snapshot
draw();

function draw(): void {
  const { rows, matched, total } = pods.snapshot;
  element('count').textContent = `${matched} of ${total} pods`;
  element('standing').textContent = standing(pods.snapshot);
  element('rows').replaceChildren(...rows.map(({ key, cells }) => {
    const row = document.createElement('tr');
    for (const text of [key, cells.phase, cells.restarts, cells.node]) {
      row.insertCell().textContent = String(text ?? ''); // as text: nothing a cluster says is read as HTML
    }
    const button = document.createElement('button');
    button.textContent = 'Delete';
    button.dataset.key = key;
    row.insertCell().append(button);
    return row;
  }));
}
// ANCHOR_END: draw

// ANCHOR: standing
/** Whether what is on show is current. */
function standing({ status, error }: Snapshot<typeof columns>): string {
  const phase = status.phase === 'retrying' ? 'trying again' : status.phase; // of `ended` nothing is tried again
  const trouble = error ?? status.error;
  return trouble ? `${phase}: ${trouble.message}` : phase;
}
// ANCHOR_END: standing

// ANCHOR: filter
const filter = element<HTMLInputElement>('filter');
filter.addEventListener('input', () => pods.set({ filter: { text: filter.value } }));
// ANCHOR_END: filter

// ANCHOR: delete
element('rows').addEventListener('click', async ({ target }) => {
  const key = target instanceof HTMLButtonElement && target.dataset.key;
  if (!key) return;
  const [namespace, name] = key.split('/') as [string, string];
  try {
    await client.delete('v1/pods', name, { namespace });
    element('problem').textContent = '';
  } catch (error) {
    if (!(error instanceof PortolanError)) throw error;
    element('problem').textContent = error.message; // not allowed, gone already, …
  }
});
// ANCHOR_END: delete

// ANCHOR: version
const { gitVersion } = await client.request<{ gitVersion: string }>({ path: '/version' });
element('server').textContent = gitVersion;
// ANCHOR_END: version
