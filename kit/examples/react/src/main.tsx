// A live table of pods, and every kind at once: filtered, sorted and windowed in an engine that all tabs share.
import { connect } from 'portolan';
import { PortolanProvider } from 'portolan/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import './style.css';

// From where the page came: `kubectl proxy`.
const client = connect();

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <PortolanProvider client={client}>
      <App />
    </PortolanProvider>
  </StrictMode>,
);
