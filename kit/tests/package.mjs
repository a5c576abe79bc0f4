// The packed package, installed into a project as a user would.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** Packs the package; the path of the tarball. */
export function pack() {
  const printed = run('cargo', ['xtask', 'npm'], ROOT);
  return printed.trim().split('\n').pop();
}

/** A new directory, removed at the end of this process. */
export function temporary(prefix) {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** An empty project in which the tarball is installed, with `packages` of this directory beside it. */
export function install(tarball, packages = []) {
  const project = temporary('portolan-npm-');
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }));
  npmInstall(project, tarball);
  for (const name of packages) {
    const from = join(import.meta.dirname, 'node_modules', name);
    if (!existsSync(from)) throw new Error(`${name} is not installed: cargo xtask setup`);
    mkdirSync(join(project, 'node_modules'), { recursive: true });
    cpSync(from, join(project, 'node_modules', name), { recursive: true });
  }
  return project;
}

/** Installs the tarball into a project. Nothing else is to be had: the package brings all it needs. */
export function npmInstall(project, tarball) {
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--no-save', tarball], project);
}

/** Runs a program to its end and returns what it printed; of one that fails, the error tells it. */
export function run(program, args, cwd) {
  try {
    return execFileSync(program, args, { cwd, encoding: 'utf8', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'inherit'] });
  } catch (error) {
    throw new Error(`${program} ${args.join(' ')}: ${error.message}\n${error.stdout}`);
  }
}
