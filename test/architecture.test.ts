import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const src = join(root, 'src');

const files = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));

interface Import {
  readonly file: string;
  readonly from: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

const pattern = /^(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm;

function importsOf(file: string): Import[] {
  return [...readFileSync(file, 'utf8').matchAll(pattern)].map(([, type, target = '']) => ({
    file: relative(root, file),
    from: folderOf(file),
    target: target.startsWith('.') ? `./${relative(root, resolve(dirname(file), target))}` : target,
    typeOnly: type !== undefined,
  }));
}

/** What a file takes from others by name, types left out. */
const importedNames = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^import\s+\{([^}]*)\}/gm)].flatMap(([, list = '']) =>
    list
      .split(',')
      .map((name) => name.trim().split(' as ')[0] ?? '')
      .filter((name) => name !== '' && !name.startsWith('type ')),
  );

/** Folder of a file of ours: `journey`, or `root` for the composition files directly in src. */
function folderOf(file: string): string {
  const [first = '', second] = relative(src, file).split('/');
  return second === undefined ? 'root' : first;
}

/** design.md 3.5; `types:` means type-only imports. docs/architecture.md says where and why it differs. */
const matrix: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  identity: [],
  assurance: ['identity'],
  audit: ['types:assurance', 'types:identity'],
  i18n: ['lib'],
  authenticators: ['lib', 'types:assurance', 'identity'],
  proofing: ['lib', 'types:assurance', 'identity'],
  bridges: ['lib', 'types:assurance', 'identity'],
  storage: ['lib', 'audit', 'assurance', 'identity'],
  standing: ['storage', 'assurance', 'identity'],
  commands: ['standing', 'storage', 'audit', 'assurance', 'identity', 'lib'],
  oidc: ['standing', 'storage', 'assurance', 'lib'],
  web: ['lib', 'i18n'],
  ceremonies: [
    'web',
    'commands',
    'standing',
    'storage',
    'assurance',
    'identity',
    'authenticators',
    'bridges',
    'proofing',
    'lib',
  ],
  journey: [
    'web',
    'ceremonies',
    'commands',
    'standing',
    'storage',
    'assurance',
    'identity',
    'audit',
    'authenticators',
    'bridges',
    'proofing',
    'lib',
    'oidc',
  ],
  account: [
    'web',
    'ceremonies',
    'commands',
    'standing',
    'storage',
    'assurance',
    'identity',
    'audit',
    'authenticators',
    'bridges',
    'proofing',
    'lib',
    'i18n',
  ],
  admin: [
    'web',
    'ceremonies',
    'commands',
    'standing',
    'storage',
    'assurance',
    'identity',
    'audit',
    'authenticators',
    'bridges',
    'proofing',
    'lib',
    'i18n',
  ],
  'admin-api': [
    'web',
    'commands',
    'standing',
    'storage',
    'assurance',
    'identity',
    'audit',
    'authenticators',
    'bridges',
    'proofing',
    'lib',
    'i18n',
  ],
  signals: ['commands', 'storage', 'proofing', 'lib'],
  jobs: ['storage', 'lib'],
  ops: ['lib'],
};

/** Packages that one place alone may know. */
const fences: Readonly<Record<string, RegExp>> = {
  'oidc-provider': /^src\/(oidc\/|engine(-events)?\.ts|app\.ts)/,
  knex: /^src\/storage\//,
  '@simplewebauthn/server': /^src\/authenticators\/passkey/,
  argon2: /^src\/authenticators\/password\.ts/,
  'openid-client': /^src\/(bridges\/|web\/area-)/,
  eta: /^src\/web\/render\.ts/,
};

/** The one table of what proofs are worth, which the ports that give them name rows of. */
const worth = './src/assurance/worth.ts';

const all = files(src).flatMap(importsOf);

describe('the house', () => {
  it('imports only along the matrix', () => {
    const bad = all.filter(({ from, target, typeOnly }) => {
      if (from === 'root' || !target.startsWith('./src/')) return false;
      const [, , to = '', rest] = target.split('/');
      if (rest === undefined) return true;
      if (target === worth && (from === 'bridges' || from === 'proofing')) return false;
      return to !== from && !matrix[from]?.includes(to) && !(typeOnly && matrix[from]?.includes(`types:${to}`));
    });
    expect(bad).toEqual([]);
  });

  it('says in one table what a proof is worth: strengths and what is confirmed are written down nowhere else', () => {
    // A strength, or a list that begins with a word of `confirmed`, as somebody would write it down a second time.
    const literal =
      /(?<!cap)(?:strength|strongest|minStrength)\??: *'(?:weak|fair|strong|superior)'|\[\s*'(?:name|document_number|liveness|photo|phone|officials:\d)',\s*'(?:document_number|liveness|photo|birth_date|name)'|confirm(?:s|ed): *\[\s*'/;
    const homes = ['src/assurance/worth.ts'];
    const bad = files(src)
      .map((file) => relative(root, file))
      .filter((file) => !homes.includes(file) && literal.test(readFileSync(join(root, file), 'utf8')));
    expect(bad).toEqual([]);
    expect(literal.test(readFileSync(join(root, homes[0] ?? ''), 'utf8'))).toBe(true);
    for (const again of ["strength: 'fair'", "confirms: ['name']", "['name', 'document_number', 'birth_date']"])
      expect(literal.test(again)).toBe(true);
  });

  it('lets the journey see of the engine only interactions and the shape of a request', () => {
    const seen = new Set(
      all
        .filter(({ from, target }) => from === 'journey' && target.startsWith('./src/oidc/'))
        .map(({ target }) => target),
    );
    expect([...seen].sort()).toEqual(['./src/oidc/interaction.ts', './src/oidc/request.ts']);
  });

  it('judges what somebody is worth in one place: nothing but `standing` and the pure core assesses or takes facts away', () => {
    const judges = ['assess', 'underInterventions', 'acceptedEvidence', 'acceptedEvents'];
    const home = /^src\/(standing|assurance)\//;
    const outside = files(src)
      .map((file) => ({
        file: relative(root, file),
        names: importedNames(file).filter((name) => judges.includes(name)),
      }))
      .filter(({ file, names }) => names.length > 0 && !home.test(file));
    expect(outside).toEqual([]);
    expect(judges.filter((name) => importedNames(join(src, 'standing/what-counts.ts')).includes(name))).toEqual(judges);
  });

  it('keeps each fenced package in its place', () => {
    const bad = all.filter(({ file, target, typeOnly }) => {
      const fence = fences[target];
      return fence !== undefined && !fence.test(file) && !typeOnly;
    });
    expect(bad).toEqual([]);
  });

  it('lets people out to an upstream, and back, in one place', () => {
    const doors = files(src).filter((file) => /\.bridge\s*\.(start|finish|poll)\(/.test(withoutComments(file)));
    expect(doors.map((file) => relative(root, file))).toEqual(['src/ceremonies/bridge.ts']);
    const departures = all.filter(({ target }) => target === './src/commands/bridge-pending.ts');
    expect([...new Set(departures.map(({ file }) => file))].sort()).toEqual([
      'src/ceremonies/bridge.ts',
      'src/journey/bridge.ts',
    ]);
  });

  it('counts tries in one place', () => {
    const counters = all.filter(({ target }) => target === './src/storage/throttle.ts').map(({ file }) => file);
    expect([...new Set(counters)].sort()).toEqual(['src/commands/throttles.ts', 'src/jobs/housekeeping.ts']);
  });

  it('reads the environment only at the entry', () => {
    const readers = files(src).filter((file) =>
      /process\.env/.test(readFileSync(file, 'utf8').replaceAll(/^\s*(\/\/|\*).*$/gm, '')),
    );
    expect(readers.map((file) => relative(root, file))).toEqual(['src/main.ts']);
  });

  it('keeps pure folders free of clock, chance and I/O', () => {
    const impure =
      /\bDate\.now\(|new Date\(\)|Math\.random\(|performance\.now|console\.|from 'node:(?!assert)|\bfetch\(|process\./;
    const bad = ['assurance', 'identity', 'audit']
      .flatMap((folder) => files(join(src, folder)))
      .filter((file) => impure.test(withoutComments(file)));
    // Hashing is arithmetic, not I/O: the audit chain may have it.
    expect(bad.map((file) => relative(root, file)).filter((file) => file !== 'src/audit/chain.ts')).toEqual([]);
  });

  it('folds what is typed or sent in one place: numbers and codes in identity/typed.ts, names in identity/names.ts', () => {
    const folding = /\.normalize\('NFK[CD]'\)|replace(All)?\(\/\[[^\]]*\\s[^\]]*[-_·.\\][^\]]*\]\+?\/[gu]*, ''\)/;
    for (const bad of [
      "typed.normalize('NFKC')",
      "number.replaceAll(/[\\s-]/g, '')",
      "x.replace(/[\\s\\p{Pd}]/gu, '')",
    ])
      expect(bad).toMatch(folding);
    for (const good of ["name.normalize('NFC')", "text.replace(/\\s+/gu, ' ')", 'foldTyped(typed)'])
      expect(good).not.toMatch(folding);
    // Passwords are folded as passwords are; a fingerprint has a folding of its own that is kept, since rows rest on it.
    const homes = ['src/identity/typed.ts', 'src/authenticators/password.ts', 'src/lib/crypto.ts'];
    const others = files(src)
      .filter((file) => folding.test(withoutComments(file)))
      .map((file) => relative(root, file))
      .filter((file) => !homes.includes(file));
    expect(others).toEqual([]);
  });

  it('has forms read numbers and names by what also folds them', () => {
    const half = /\b(checkDocument|normaliseName|checkName|canonicalDocument)\b/;
    const areas = ['journey', 'account', 'admin', 'admin-api', 'ceremonies'];
    const bad = files(src).filter((file) => areas.includes(folderOf(file)) && half.test(withoutComments(file)));
    expect(bad.map((file) => relative(root, file))).toEqual([]);
  });

  it('binds to accounts behind the one rule only', () => {
    const writers =
      /\b(insertPasskey|setPassword|insertTotp|replaceRecoveryCodes|insertIdentity|bindPerson|addDocument)\(/;
    const doors = files(src)
      .filter((file) => folderOf(file) !== 'storage' && writers.test(withoutComments(file)))
      .map((file) => relative(src, file));
    // `remove-authenticators` takes recovery codes away; the others ask `commands/bind.ts`, or make the account.
    expect(doors.sort()).toEqual([
      'commands/change-authenticators.ts',
      'commands/counter-confirm.ts',
      'commands/link-identity.ts',
      'commands/record-evidence.ts',
      'commands/register-citizen.ts',
      'commands/remove-authenticators.ts',
      'commands/upstream-person.ts',
    ]);
    const asks = (file: string) => /from '\.\/bind\.ts'/.test(readFileSync(join(src, file), 'utf8'));
    expect(['commands/change-authenticators.ts', 'commands/link-identity.ts'].filter((file) => !asks(file))).toEqual(
      [],
    );
    // Whoever asks the rule itself: the commands, and the pages that tell it beforehand.
    const rule = all.filter(({ target, typeOnly }) => target === './src/assurance/binding.ts' && !typeOnly);
    expect(rule.map(({ file }) => file).sort()).toEqual([
      'src/account/merges.ts',
      'src/commands/answer-merge.ts',
      'src/commands/bind.ts',
      'src/commands/link-identity.ts',
      'src/journey/binding.ts',
      'src/storage/external-identities.ts',
    ]);
    // Rows of these tables are made in their own files alone.
    const raw =
      /\((?:'|")(passkeys|passwords|totps|recovery_codes|external_identities|person_documents)(?:'|")\)\s*\.insert\(/;
    const makers = files(src)
      .filter((file) => raw.test(withoutComments(file)))
      .map((file) => relative(src, file));
    expect(makers.sort()).toEqual([
      'storage/authenticators.ts',
      'storage/external-identities.ts',
      'storage/person-documents.ts',
    ]);
  });

  it('has no import cycle', () => {
    const edges = new Map<string, string[]>();
    for (const { file, target, typeOnly } of all)
      if (!typeOnly && target.startsWith('./')) edges.set(`./${file}`, [...(edges.get(`./${file}`) ?? []), target]);
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (file: string, path: string[]) => {
      if (state.get(file) === 'open') cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      if (state.has(file)) return;
      state.set(file, 'open');
      for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
      state.set(file, 'done');
    };
    for (const file of edges.keys()) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it('keeps files short: at most 300 lines', () => {
    const long = [...files(src), ...files(join(root, 'simulators'))].filter(
      (file) => readFileSync(file, 'utf8').split('\n').length > 301,
    );
    expect(long.map((file) => relative(root, file))).toEqual([]);
  });

  it('has no way around the type checker', () => {
    const escapes = /\bas any\b|: any[,;)\]=]|<any>|as unknown as|@ts-(ignore|nocheck|expect-error)/;
    const bad = [...files(src), ...files(join(root, 'simulators'))].filter((file) =>
      escapes.test(withoutComments(file)),
    );
    expect(bad.map((file) => relative(root, file))).toEqual([]);
  });

  it('prints raw HTML in views only for include, layout and block', () => {
    const views = readdirSync(join(root, 'views'), { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.name.endsWith('.eta'),
    );
    const bad = views.filter((entry) =>
      [...readFileSync(join(entry.parentPath, entry.name), 'utf8').matchAll(/<%~([\s\S]*?)%>/g)].some(
        ([, code = '']) => !/^\s*(include|layout|block|it\.body)\b/.test(code),
      ),
    );
    expect(bad.map((entry) => entry.name)).toEqual([]);
  });

  it('keeps other people’s systems apart: simulators and src do not import each other', () => {
    const simulators = files(join(root, 'simulators'))
      .flatMap(importsOf)
      .filter(({ target }) => target.startsWith('./src/'));
    const ours = all.filter(({ target }) => target.startsWith('./simulators/') || target.startsWith('./test/'));
    expect([...simulators, ...ours]).toEqual([]);
  });

  it('has a row in the map for every folder', () => {
    const map = readFileSync(join(src, 'README.md'), 'utf8');
    const folders = readdirSync(src, { withFileTypes: true }).filter(
      (entry) => entry.isDirectory() && files(join(src, entry.name)).length > 0,
    );
    expect(
      folders.map((entry) => entry.name).filter((name) => !new RegExp(`^\\| \`${name}\` +\\|`, 'm').test(map)),
    ).toEqual([]);
  });

  it('compares what two records say of a person in one module', () => {
    // Sources check their own answer against their own question; who a person is here is for `identity/agreement.ts` to say.
    const compares = (text: string) =>
      /\b(compareNames|nameAnswer|sameDocument)\b/.test(text) ||
      /\b(birthDate|number|category) [!=]== [\w?.]*\b(birthDate|documentNumber|number|category)\b(?!:)/.test(text);
    expect(compares("import { compareNames } from '../identity/names.ts';")).toBe(true);
    expect(compares('known.birthDate === read.birthDate')).toBe(true);
    expect(compares('documents.some((own) => own.number === number)')).toBe(true);
    expect(compares("item.category === 'mainland' && number === null")).toBe(false);
    const decide = /^src\/(commands|journey|account|admin|admin-api|storage|oidc|ceremonies|standing)\//;
    const bad = files(src).filter((file) => decide.test(relative(root, file)) && compares(withoutComments(file)));
    expect(bad.map((file) => relative(root, file))).toEqual([]);
    const users = all.filter(({ target }) => target === './src/identity/agreement.ts').map(({ file }) => file);
    expect(users.sort()).toEqual([
      'src/commands/counter-confirm.ts',
      'src/commands/merge-rules.ts',
      'src/commands/second-person.ts',
      'src/commands/upstream-person.ts',
    ]);
  });
});

function withoutComments(file: string): string {
  return readFileSync(file, 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '');
}
