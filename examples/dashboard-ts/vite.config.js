// Builds into dist, to be served by `kubectl proxy --www=dist --www-prefix=/app/`.
import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  build: { target: 'es2022' },
  worker: { format: 'es' },
  optimizeDeps: { exclude: ['portolan'] },
});
