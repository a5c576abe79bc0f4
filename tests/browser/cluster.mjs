// A real etcd and kube-apiserver (tests/cluster), kubectl, and `kubectl proxy --www` before them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const BINARY = process.env.PORTOLAN_CLUSTER ?? join(import.meta.dirname, '../../target/cluster/portolan-cluster');

/** Starts a cluster; `flags` are those of `portolan-cluster up`. */
export async function startCluster(...flags) {
  if (!existsSync(BINARY)) throw new Error(`no ${BINARY}: \`cargo xtask setup\` builds it, or name it in PORTOLAN_CLUSTER`);
  const child = spawn(BINARY, ['up', ...flags], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = linesOf(child);
  const ready = (await lines.next()).value;
  if (!ready?.startsWith('READY ')) throw new Error(`the cluster did not start: ${ready}`);
  return new Cluster(child, lines, JSON.parse(ready.slice('READY '.length)));
}

export class Cluster {
  #child;
  #lines;
  #turn = Promise.resolve();

  constructor(child, lines, facts) {
    this.#child = child;
    this.#lines = lines;
    /** Its kubeconfig, server, token, kubectl and their like. */
    this.facts = facts;
  }

  /** Carries out a command: stop-apiserver, start-apiserver, restart-apiserver, pause-apiserver, resume-apiserver, stop-kubelet, start-kubelet, compact. */
  async control(command) {
    const turn = this.#turn.then(async () => {
      this.#child.stdin.write(`${command}\n`);
      const answer = JSON.parse((await this.#lines.next()).value);
      if (answer.error) throw new Error(`${command}: ${answer.error}`);
      return answer;
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** Runs kubectl to its end and returns what it printed. `input`, if given, is its standard input, as JSON. */
  async kubectl(args, input) {
    const child = spawn(this.facts.kubectl, [`--kubeconfig=${this.facts.kubeconfig}`, ...args]);
    child.stdin.on('error', () => {}); // it may end without reading
    child.stdin.end(input === undefined ? '' : JSON.stringify(input));
    let [printed, complaint] = ['', ''];
    child.stdout.on('data', (chunk) => (printed += chunk));
    child.stderr.on('data', (chunk) => (complaint += chunk));
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${complaint.trim() || `exit ${code}`}`);
    return printed;
  }

  /** Serves `directory` under /portolan/ beside the API, as a user would, with further `flags`; `as` is the token of another user. */
  async proxy(directory, { port = 0, as, flags = [] } = {}) {
    // A token on the command line would lose against the kubeconfig's client certificate.
    const who = as
      ? ['--kubeconfig=/dev/null', `--server=${this.facts.server}`, `--certificate-authority=${this.facts.ca_file}`, `--token=${as}`]
      : [`--kubeconfig=${this.facts.kubeconfig}`];
    const child = spawn(this.facts.kubectl, [
      ...who,
      'proxy',
      `--port=${port}`,
      `--www=${directory}`,
      '--www-prefix=/portolan/',
      ...flags,
    ], { stdio: ['ignore', 'pipe', 'inherit'] });
    const line = (await linesOf(child).next()).value;
    const address = /Starting to serve on (\S+)/.exec(line ?? '')?.[1];
    if (!address) throw new Error(`kubectl proxy did not start: ${line}`);
    return {
      origin: `http://${address}`,
      page: `http://${address}/portolan/`,
      port: Number(address.split(':').pop()),
      stop: () => end(child),
    };
  }

  /** Takes it down. */
  async stop() {
    this.#child.stdin.end();
    await ended(this.#child);
  }
}

async function end(child) {
  if (child.exitCode === null && child.signalCode === null) child.kill();
  await ended(child);
}

async function ended(child) {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

function linesOf(child) {
  return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
}
