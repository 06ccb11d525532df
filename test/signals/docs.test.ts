import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { signalEvents } from '../../src/commands/announce.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

it('docs/http-map.json lists exactly the endpoints of the signals area', () => {
  const map: { signals: Record<string, { method: string; path: string }> } = JSON.parse(read('docs/http-map.json'));
  const listed = Object.values(map.signals).map(({ method, path }) => `${method} ${path}`);
  const routes = readdirSync(join(root, 'src/signals')).flatMap((file) =>
    [...read(`src/signals/${file}`).matchAll(/router\.(get|post|put|patch|delete)\(\s*'([^']+)'/g)].map(
      ([, method = '', path = '']) => `${method.toUpperCase()} ${path}`,
    ),
  );
  expect(listed.sort()).toEqual(routes.sort());
});

it('docs/signals.md names every event there is', () => {
  const page = read('docs/signals.md');
  for (const name of Object.keys(signalEvents)) expect(page).toContain(`\`${name}\``);
});
