// The page: a filter, a namespace, counts by phase, and the rows in view.
import { useInformer, useLiveQuery } from 'portolan/react';
import { type UIEvent, useDeferredValue, useState } from 'react';
import { Standing } from './Standing';

const ROW = 28;

const COLUMNS = {
  name: 'metadata.name',
  namespace: 'metadata.namespace',
  phase: 'status.phase',
  restarts: { path: 'status.containerStatuses[*].restartCount', take: 'sum' },
  node: 'spec.nodeName',
  created: 'metadata.creationTimestamp',
} as const;

type Name = keyof typeof COLUMNS;

const counted = (pods: number) => `${pods} ${pods === 1 ? 'pod' : 'pods'}`;

export function Pods() {
  // ANCHOR: hooks
  const [text, setText] = useState('');
  const [namespace, setNamespace] = useState('');
  const [sort, setSort] = useState<{ by: Name; descending: boolean }>({ by: 'name', descending: false });
  const [view, setView] = useState({ top: 0, height: 600 });
  const first = Math.max(0, Math.floor(view.top / ROW) - 10);
  const pods = useLiveQuery({
    gvr: 'v1/pods',
    columns: COLUMNS,
    filter: { text: useDeferredValue(text), ...(namespace && { where: [{ path: 'metadata.namespace', in: [namespace] }] }) },
    sort: [sort],
    group: 'status.phase',
    window: { start: first, end: first + Math.ceil(view.height / ROW) + 20 },
  });
  const namespaces = useInformer({ gvr: 'v1/namespaces' });
  // ANCHOR_END: hooks
  const scrolled = ({ currentTarget }: UIEvent<HTMLElement>) => setView({ top: currentTarget.scrollTop, height: currentTarget.clientHeight });
  const sortBy = (by: Name) => setSort((now) => ({ by, descending: now.by === by && !now.descending }));

  return (
    <main>
      <header>
        <h1>Pods</h1>
        <Standing status={pods.status} synced={pods.synced} {...(pods.error && { error: pods.error })} />
        <input type="search" aria-label="Filter" placeholder="Filter" value={text} onChange={({ target }) => setText(target.value)} />
        <select aria-label="Namespace" value={namespace} onChange={({ target }) => setNamespace(target.value)}>
          <option value="">all namespaces</option>
          {[...namespaces.entries.keys()].sort().map((name) => <option key={name}>{name}</option>)}
        </select>
        <ul className="phases" aria-label="Pods by phase">
          {Object.entries(pods.groups).map(([phase, count]) => <li key={phase} className={phase}>{count} {phase || 'unknown'}</li>)}
        </ul>
        <output>{pods.matched === pods.total ? counted(pods.total) : `${pods.matched} of ${counted(pods.total)}`}</output>
      </header>
      <div className="rows" onScroll={scrolled} tabIndex={0} role="table" aria-label="Pods" aria-rowcount={pods.matched}>
        <div role="row" className="head">
          {(Object.keys(COLUMNS) as Name[]).map((name) => (
            <span role="columnheader" key={name} className={name} aria-sort={sort.by !== name ? 'none' : sort.descending ? 'descending' : 'ascending'}>
              <button onClick={() => sortBy(name)}>{name}{sort.by === name && (sort.descending ? ' ↓' : ' ↑')}</button>
            </span>
          ))}
        </div>
        <div role="rowgroup" className="body" style={{ height: pods.matched * ROW }}>
          {pods.rows.map(({ key, cells }, index) => (
            <div role="row" key={key} aria-rowindex={pods.start + index + 1} style={{ top: (pods.start + index) * ROW }}>
              {(Object.keys(COLUMNS) as Name[]).map((name) => (
                <span role="cell" key={name} className={name === 'phase' ? `phase ${cells.phase}` : name}>{cells[name]}</span>
              ))}
            </div>
          ))}
        </div>
        {pods.synced && pods.matched === 0 && <p>{pods.total ? 'No pod matches the filter.' : 'There are no pods.'}</p>}
      </div>
    </main>
  );
}
