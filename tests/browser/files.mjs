// A server that has the dashboard's files where `kubectl proxy` has them, and answers everything else as a test says.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.wasm': 'application/wasm' };

/** Serves `directory`; at the end of test `t` it is closed. `answer`, if there is one, is given every other request and its response. */
export async function serveFiles(t, directory, answer = notFound) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://files');
    if (!pathname.startsWith('/portolan/')) return answer(request, response);
    const file = pathname === '/portolan/' ? 'index.html' : pathname.slice('/portolan/'.length);
    try {
      const bytes = await readFile(join(directory, file));
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  server.on('upgrade', (_, socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { origin, page: `${origin}/portolan/`, port: server.address().port };
}

/** Answers that there is no such thing. */
export function notFound(_, response) {
  response.writeHead(404).end('404 page not found');
}
