// Every kind that the server lets be watched, each live: how many there are, how it stands, and the first hundred.
import type { DiscoveredResource, PortolanError } from 'portolan';
import { useClient, useLiveQuery } from 'portolan/react';
import { useEffect, useState } from 'react';
import { Standing } from './Standing';

export function Kinds() {
  const { kinds, error } = useKinds();
  return (
    <main>
      <header>
        <h1>All kinds</h1>
        {error && <span className="standing trouble" role="alert">{error.message}</span>}
        <output>{kinds.length} kinds</output>
      </header>
      <div className="kinds">
        {kinds.map((kind) => <Kind key={named(kind)} kind={kind} />)}
      </div>
    </main>
  );
}

function Kind({ kind }: { kind: DiscoveredResource }) {
  const { rows, total, synced, status, error } = useLiveQuery({ gvr: named(kind), columns: {} });
  return (
    <details data-gvr={named(kind)} data-phase={status.phase} data-relists={status.relists}>
      <summary>
        <b>{kind.kind}</b> <span className="group">{kind.group}</span>
        <Standing status={status} synced={synced} {...(error && { error })} />
        <output>{total}</output>
      </summary>
      <ul>
        {rows.map(({ key, resourceVersion }) => <li key={key} data-version={resourceVersion}>{key}</li>)}
      </ul>
    </details>
  );
}

/** `v1/pods`, `apps/v1/deployments`. */
const named = ({ group, version, resource }: DiscoveredResource) => [group, version, resource].filter(Boolean).join('/');

/** What can be listed and watched, each kind once: a group's events are the core's under another name. */
function useKinds() {
  const client = useClient();
  const [found, setFound] = useState<{ kinds: DiscoveredResource[]; error?: PortolanError }>({ kinds: [] });
  useEffect(() => {
    const left = new AbortController();
    client.discovery({ signal: left.signal }).then(
      ({ resources }) => setFound({ kinds: resources.filter(({ group, preferred, verbs }) => preferred && verbs.includes('list') && verbs.includes('watch') && group !== 'events.k8s.io') }),
      (error: PortolanError) => left.signal.aborted || setFound({ kinds: [], error }),
    );
    return () => left.abort();
  }, [client]);
  return found;
}
