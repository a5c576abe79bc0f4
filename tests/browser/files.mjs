// A server that has the dashboard's files where `kubectl proxy` has them, and answers everything else as a test says.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.wasm': 'application/wasm' };

/**
 * Serves `directory`; at the end of test `t` it is closed. `answer`, if there is one, is given every other request and its
 * response; `tell` is given every request for a WebSocket, and gives the texts that are sent through it, all at once or as
 * they come; it stays open. One it gives nothing for is refused.
 */
export async function serveFiles(t, directory, answer = notFound, tell = () => {}) {
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
  const sockets = new Set();
  server.on('upgrade', async (request, socket) => {
    const texts = tell(request);
    if (!texts) return socket.destroy();
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
    socket.write(handshake(request.headers));
    for await (const text of texts) socket.write(frame(Buffer.from(text)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
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

/** What a server says to open a WebSocket (RFC 6455, section 4.2.2). */
function handshake({ 'sec-websocket-key': key, 'sec-websocket-protocol': protocols }) {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const protocol = protocols ? [`Sec-WebSocket-Protocol: ${protocols.split(',')[0]}`] : [];
  return ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`, ...protocol, '', ''].join('\r\n');
}

/** One whole text as a frame: final, unmasked as a server's are, its length in as few bytes as it takes; up to 64 KiB. */
function frame(bytes) {
  const { length } = bytes;
  const head = length < 126 ? [0x81, length] : [0x81, 126, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), bytes]);
}
