import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { settingsSchema } from '../src/config.ts';

const root = resolve(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** The text of docs/configuration.md, from the schema that parses the settings. */
function configurationReference(): string {
  const rows = Object.entries(settingsSchema.shape).map(([name, field]) => {
    const fallback: unknown = field.safeParse(undefined).data;
    return `| \`${name}\` | ${JSON.stringify(fallback)} | ${field.description ?? ''} |`;
  });
  return `# Configuration\n\nEvery setting is an environment variable; unknown \`SHIMIN_*\` names are refused. With \`NODE_ENV=production\` demo values, a\nplain-http issuer, the loopback switch and demo apps are refused. Made from \`src/config.ts\` by \`test/docs.test.ts\`\n(\`vitest run test/docs.test.ts -u\` writes it anew).\n\n| Setting | Default | Meaning |\n| --- | --- | --- |\n${rows.join('\n')}\n\n\`npm start\` also knows \`SHIMIN_DEMO_SIMULATORS_PORT\`, \`SHIMIN_DEMO_LIBRARY_PORT\`, \`SHIMIN_DEMO_SOCIAL_PORT\`,\n\`SHIMIN_DEMO_HOUSING_PORT\` and \`SHIMIN_DEMO_SINGAPORE_PORT\`, so that two demos run on one machine.\n`;
}

it('the configuration reference says what the schema says', async () => {
  for (const field of Object.values(settingsSchema.shape)) expect(field.description ?? '').toMatch(/\w{3}/);
  await expect(configurationReference()).toMatchFileSnapshot(join(root, 'docs/configuration.md'));
});

it('docs/http-map.json lists exactly the routes there are', () => {
  const map: { actions: Record<string, { method: string; path: string }> } = JSON.parse(read('docs/http-map.json'));
  const listed = Object.values(map.actions).map(({ method, path }) => `${method} ${path}`);
  const sources = ['journey', 'account'].flatMap((area) =>
    readdirSync(join(root, 'src', area)).map((file) => read(`src/${area}/${file}`)),
  );
  const routes = sources.flatMap((source) => {
    const page = /const page = '([^']+)'/.exec(source)?.[1] ?? '';
    return [...source.matchAll(/router\.(get|post)\(\s*(?:'([^']+)'|`([^`]+)`|(page))/g)].map(
      ([, method = '', plain, template, named]) => {
        const path = plain ?? (named ? page : (template ?? '').replace('${page}', page));
        return `${method.toUpperCase()} ${path}`;
      },
    );
  });
  expect(listed.sort()).toEqual(routes.sort());
});

it('the README names only files that exist', () => {
  for (const [, path = ''] of read('README.md').matchAll(/\]\(((?!http)[^)]+)\)|src="([^"]+)"/g))
    if (path !== '') expect(() => read(path)).not.toThrow();
});
