#!/usr/bin/env node
// Node 20 can't strip types: run the sources on the Node that npm installed beside us.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const node = join(dirname(require.resolve('node/package.json')), 'bin', 'node');
const main = join(dirname(fileURLToPath(import.meta.url)), '..', 'src', 'main.ts');
const { status } = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status ?? 1);
