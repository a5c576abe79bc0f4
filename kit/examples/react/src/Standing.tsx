// How the table and the server stand to each other, always in view, in words.
import type { InformerStatus, PortolanError } from 'portolan';

const WORDS: Record<InformerStatus['phase'], string> = {
  connecting: 'connecting',
  syncing: 'loading',
  live: 'live',
  stale: 'reconnecting',
  retrying: 'trying again',
  ended: 'ended',
};

export function Standing({ status, synced, error }: { status: InformerStatus; synced: boolean; error?: PortolanError }) {
  const trouble = error ?? status.error;
  const shown = trouble ? 'trouble' : status.phase === 'live' && synced ? 'live' : 'waiting';
  return (
    <span className={`standing ${shown}`} role="status">
      {WORDS[status.phase]}
      {status.asOf && <>, as of {status.asOf.toLocaleTimeString()}</>}
      {trouble && <>: {trouble.message}</>}
    </span>
  );
}
