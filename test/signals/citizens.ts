import { createHash, randomUUID } from 'node:crypto';
import { decodeJwt } from 'jose';
import { Browser } from '../../bench/browser.ts';
import { assertion, type Citizen, newCitizen } from '../../bench/citizens.ts';
import { makeResidents, type Resident } from '../../simulators/population/residents.ts';
import { appRuleOf } from '../../src/assurance/policy.ts';
import { newTotpSecret } from '../../src/authenticators/totp.ts';
import type { CommandDeps } from '../../src/commands/command.ts';
import { recordEvidence } from '../../src/commands/record-evidence.ts';
import { registerCitizen } from '../../src/commands/register-citizen.ts';
import { newId } from '../../src/lib/crypto.ts';
import { appendPolicy, currentPolicy } from '../../src/storage/policies.ts';
import { ownNumber } from '../support/rows.ts';
import { appSecret } from './support.ts';

export const redirectUri = 'http://localhost:9/callback';
const verifier = 'v'.repeat(43);
const challenge = createHash('sha256').update(verifier).digest('base64url');
const cause = { requestId: null, clientId: null };

/** People of the register simulator who are alive, always the same. */
export const residents = (count: number): Resident[] =>
  makeResidents(1_000)
    // Of age: children prove who they are at a counter.
    .filter(({ birthDate }) => birthDate < '2010')
    .filter(({ status }) => status === 'active')
    .slice(0, count);

/** The app asks for no more than level 1, so that whoever loses a level keeps the app and what is left shows. */
export async function admitAtLevelOne(deps: CommandDeps, ...clientIds: readonly string[]): Promise<void> {
  const { version, document } = await currentPolicy(deps.db);
  const apps = { ...document.apps };
  for (const id of clientIds) apps[id] = appRuleOf('urn:shimin:loa:1');
  await appendPolicy(deps.db, {
    version: version + 1,
    document: { ...document, version: version + 1, apps },
    createdBy: 'test',
    at: deps.clock(),
    expectedPrevious: version,
  });
}

export interface Known {
  readonly accountId: string;
  readonly resident: Resident;
  readonly citizen: Citizen;
}

/** A citizen with a passkey, whose record and face were checked: level 3. */
export async function knownCitizen(deps: CommandDeps, resident: Resident, number: number): Promise<Known> {
  const holder = await registeredCitizen(deps, number);
  await proveAgain(deps, holder.accountId, resident);
  return { ...holder, resident };
}

/** A citizen with a passkey, of whom nothing was checked but the telephone. */
export async function registeredCitizen(deps: CommandDeps, number: number): Promise<Omit<Known, 'resident'>> {
  const { citizen, cose } = newCitizen(number, newTotpSecret());
  const accountId = newId();
  await registerCitizen(deps, {
    accountId,
    userHandle: citizen.userHandle,
    phone: citizen.phone,
    locale: 'en',
    interaction: randomUUID(),
    first: {
      kind: 'passkey',
      passkey: {
        credentialId: citizen.credentialId,
        publicKey: cose,
        counter: 0,
        transports: ['internal'],
        backupEligible: false,
        backupState: false,
        userVerifiedAtRegistration: true,
        aaguid: '00000000-0000-0000-0000-000000000000',
        name: 'test',
      },
    },
    facts: [],
    cause,
  });
  return { accountId, citizen };
}

export async function proveAgain(deps: CommandDeps, accountId: string, resident: Resident): Promise<void> {
  const reference = randomUUID();
  await recordEvidence(deps, {
    accountId,
    facts: {
      kind: 'population',
      source: 'population',
      strength: 'strong',
      category: 'mainland',
      confirmed: ['name', 'document_number'],
      expiresAt: null,
      reference,
    },
    person: {
      category: 'mainland',
      name: resident.name,
      documentType: 'cn_resident_id',
      documentNumber: resident.number,
      birthDate: resident.birthDate,
    },
    cause,
  });
  const tie = { ...ownNumber, category: 'mainland', expiresAt: null, reference } as const;
  await recordEvidence(deps, { accountId, facts: tie, cause });
  await recordEvidence(deps, {
    accountId,
    facts: {
      kind: 'face',
      source: 'face',
      strength: 'strong',
      category: 'mainland',
      confirmed: ['liveness', 'photo'],
      expiresAt: null,
      reference,
    },
    cause,
  });
}

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly id_token: string;
}

/** An app, seen from its own side. */
export function relyingParty(issuer: string, clientId: string) {
  const authorization = `Basic ${Buffer.from(`${clientId}:${appSecret}`).toString('base64')}`;
  const post = async (path: string, form: Record<string, string>) => {
    const response = await fetch(`${issuer}${path}`, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams(form),
    });
    // biome-ignore lint/suspicious/noExplicitAny: what a foreign app reads from JSON
    const body: any = await response.json();
    return { status: response.status, body };
  };
  const must = async (path: string, form: Record<string, string>) => {
    const { status, body } = await post(path, form);
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  };
  const path = (extra: Record<string, string> = {}) =>
    `/auth?${new URLSearchParams({
      client_id: clientId,
      response_type: 'code',
      scope: 'openid',
      redirect_uri: redirectUri,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      ...extra,
    })}`;
  const exchange = (code: string): Promise<Tokens> =>
    must('/token', { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier });
  return {
    post,
    authorizePath: path,
    exchange,
    /** A new authorization in the SSO session, without anybody being asked. */
    async again(browser: Browser): Promise<Tokens> {
      const { outside } = await browser.follow(path({ prompt: 'none' }));
      const code = outside?.searchParams.get('code');
      if (!code) throw new Error(`no code: ${outside?.search}`);
      return exchange(code);
    },
    refresh: (token: string): Promise<Tokens> => must('/token', { grant_type: 'refresh_token', refresh_token: token }),
    introspect: (token: string) => must('/token/introspection', { token }),
    async userinfo(token: string) {
      const response = await fetch(`${issuer}/me`, { headers: { authorization: `Bearer ${token}` } });
      // biome-ignore lint/suspicious/noExplicitAny: what a foreign app reads from JSON
      const body: any = await response.json();
      return { status: response.status, body };
    },
  };
}

export type RelyingParty = ReturnType<typeof relyingParty>;

/** Shows the passkey on the real pages, and stops before the browser is sent on: `next` is where it would go. */
export async function parkSignIn(issuer: string, app: RelyingParty, { citizen }: Pick<Known, 'citizen'>) {
  const browser = new Browser(issuer);
  const { at, page } = await browser.follow(app.authorizePath());
  const html = page?.body ?? '';
  const options = JSON.parse(plain(attribute(html, /data-options="([^"]*)"/)));
  const response = JSON.stringify(assertion(citizen, { rpId: new URL(issuer).hostname, ...options }, issuer));
  const form = {
    _csrf: attribute(html, /name="_csrf" value="([^"]*)"/),
    ceremony: attribute(html, /name="ceremony" value="([^"]*)"/),
    response,
  };
  const sent = await browser.send('POST', `${at.pathname}/passkey/verify`, {
    headers: { origin: issuer },
    body: `${new URLSearchParams(form)}`,
  });
  if (sent.location === undefined) throw new Error(`not signed in: ${sent.status}`);
  return { browser, base: at.pathname, next: new URL(sent.location, issuer).href };
}

/** Shows the passkey on the real pages: where that leads, out to the app or to a page. */
export async function showPasskey(issuer: string, app: RelyingParty, known: Pick<Known, 'citizen'>) {
  const { browser, base, next } = await parkSignIn(issuer, app, known);
  return { browser, base, ...(await browser.follow(next)) };
}

/** Signs in with the passkey through the real pages. */
export async function signIn(
  issuer: string,
  app: RelyingParty,
  known: Pick<Known, 'citizen'>,
): Promise<{ browser: Browser; tokens: Tokens; subject: string }> {
  const { browser, outside } = await showPasskey(issuer, app, known);
  const code = outside?.searchParams.get('code');
  if (!code) throw new Error(`no code: ${outside?.href}`);
  const tokens = await app.exchange(code);
  return { browser, tokens, subject: decodeJwt(tokens.id_token).sub ?? '' };
}

function attribute(html: string, pattern: RegExp): string {
  const found = pattern.exec(html)?.[1];
  if (found === undefined) throw new Error(`no ${pattern.source} in ${html.replace(/<[^>]*>/g, ' ').slice(0, 300)}`);
  return found;
}

const plain = (html: string) =>
  html
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
