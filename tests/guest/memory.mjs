// Prints how much memory a guest takes to play the scenario, in bytes: for `cargo xtask sizes`.
import { runGuest } from '../../transport-host/host.mjs';
import { buildServers, serve } from '../browser/building.mjs';
import { buildGuest } from './building.mjs';

buildServers();
const guest = await buildGuest();
const server = await serve('memory-server');
const { memoryBytes } = await runGuest(guest, { server: server.address, input: '{"play":"scenario"}', say: () => {} });
server.stop();
console.log(memoryBytes);
