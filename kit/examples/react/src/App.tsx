// The two pages, by the address's hash: a table of pods, and every kind at once.
import { useSyncExternalStore } from 'react';
import { Kinds } from './Kinds';
import { Pods } from './Pods';

const PAGES = { '#pods': ['Pods', Pods], '#kinds': ['All kinds', Kinds] } as const;

type Hash = keyof typeof PAGES;

const here = (): Hash => (location.hash in PAGES ? (location.hash as Hash) : '#pods');

function onChange(changed: () => void) {
  addEventListener('hashchange', changed);
  return () => removeEventListener('hashchange', changed);
}

export function App() {
  const hash = useSyncExternalStore(onChange, here);
  const [, Page] = PAGES[hash];
  return (
    <>
      <nav aria-label="Pages">
        {(Object.keys(PAGES) as Hash[]).map((page) => (
          <a key={page} href={page} aria-current={page === hash ? 'page' : undefined}>{PAGES[page][0]}</a>
        ))}
      </nav>
      <Page />
    </>
  );
}
