import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { demoCounters } from '../seeds/counters.ts';
import { formerLevels } from '../seeds/former-policy.ts';
import { defaultPolicy } from '../seeds/policy.ts';
import { saveCounters } from './commands/counter-save.ts';
import { type Renewal, renewDefault } from './commands/renew-default.ts';
import { rotateKeys } from './commands/rotate-keys.ts';
import { saveRegisteredApp } from './commands/save-app.ts';
import type { Config } from './config.ts';
import type { Clock } from './lib/clock.ts';
import type { Keyring } from './lib/crypto.ts';
import { ShiminError } from './lib/errors.ts';
import { findApp } from './storage/apps.ts';
import type { Db } from './storage/db.ts';
import { appendPolicy, policyHistory } from './storage/policies.ts';

const texts = z.record(z.string(), z.string());
const clientFile = z.array(z.looseObject({ client_id: z.string().min(1), names: texts, purpose: texts }));

/** The account area's own client secret: derived, so that nothing has to be stored or configured. */
export function accountClientSecret(keyring: Keyring): string {
  return createHmac('sha256', keyring.blindKey).update('account-area-client-secret').digest('base64url');
}

export function adminClientSecret(keyring: Keyring): string {
  return createHmac('sha256', keyring.blindKey).update('admin-area-client-secret').digest('base64url');
}

/** Follows the default where an installation has the default's levels; null: there is no policy yet. */
export async function renewDefaultPolicy(deps: {
  db: Db;
  clock: Clock;
}): Promise<{ policy: Renewal; version: number } | null> {
  if ((await policyHistory(deps.db, { limit: 1 })).length === 0) return null;
  return renewDefault(deps, { former: formerLevels, today: defaultPolicy.levels });
}

/** Writes what a new installation needs and is not there yet: policy, signing keys, our own area, demo apps. Idempotent. */
export async function seed(deps: {
  db: Db;
  keyring: Keyring;
  clock: Clock;
  config: Config;
}): Promise<{ policy: boolean; keys: number; apps: string[] }> {
  const { db, config, clock } = deps;
  const policy = await appendPolicy(db, {
    version: 1,
    document: { ...defaultPolicy, version: 1 },
    createdBy: 'seed',
    at: clock(),
    expectedPrevious: 0,
  });
  if (!policy) await renewDefaultPolicy(deps);
  const { rotated } = await rotateKeys(deps, { onlyIfNone: true });
  const apps = [
    accountApp(config.issuer, accountClientSecret(deps.keyring)),
    adminApp(config.issuer, adminClientSecret(deps.keyring)),
    ...(config.seedClients === '' ? [] : await readClients(config)),
  ];
  const saved: string[] = [];
  for (const { names, purpose, ...metadata } of apps) {
    const known = await findApp(db, metadata.client_id);
    // Demo apps follow their file, so that moved ports are taken up; real apps belong to their admins.
    if (known && !config.demo) continue;
    // Our own areas are where the issuer is; in production that is never plain http (`config.ts`).
    const rules = { allowLoopback: config.allowLoopback || config.issuer.startsWith('http:') };
    await saveRegisteredApp(deps, { metadata, name: names, purpose, ownerName: 'seed', rules });
    saved.push(metadata.client_id);
  }
  if (config.demo) await saveCounters(deps, { counters: demoCounters, operator: 'seed' });
  return { policy, keys: rotated, apps: saved };
}

async function readClients(config: Config): Promise<z.infer<typeof clientFile>> {
  if (config.production)
    throw new ShiminError('config_invalid', { status: 500, message: 'demo apps are refused in production' });
  return clientFile.parse(JSON.parse(await readFile(config.seedClients, 'utf8')));
}

/** What our own areas have in common: ordinary apps of our own issuer, told of logouts by the back channel. */
function ownArea(issuer: string, area: string, secret: string) {
  return {
    client_id: area,
    client_secret: secret,
    token_endpoint_auth_method: 'client_secret_basic',
    redirect_uris: [`${issuer}/${area}/callback`],
    post_logout_redirect_uris: [`${issuer}/account/signed-out`],
    backchannel_logout_uri: `${issuer}/${area}/backchannel-logout`,
    backchannel_logout_session_required: true,
    grant_types: ['authorization_code'],
    response_types: ['code'],
    scope: 'openid',
    subject_type: 'public',
    shimin_first_party: true,
  };
}

function accountApp(issuer: string, secret: string): z.infer<typeof clientFile>[number] {
  return {
    ...ownArea(issuer, 'account', secret),
    names: { 'zh-Hans': '我的账户', 'zh-Hant': '我的帳戶', en: 'My account', pt: 'A minha conta' },
    purpose: {
      'zh-Hans': '查看和管理您的账户',
      'zh-Hant': '查看和管理您的帳戶',
      en: 'to see and manage your account',
      pt: 'para ver e gerir a sua conta',
    },
  };
}

function adminApp(issuer: string, secret: string): z.infer<typeof clientFile>[number] {
  return {
    ...ownArea(issuer, 'admin', secret),
    names: { 'zh-Hans': '市民管理台', 'zh-Hant': '市民管理台', en: 'Shimin console', pt: 'Consola Shimin' },
    purpose: {
      'zh-Hans': '供工作人员管理城市登录',
      'zh-Hant': '供職員管理城市登入',
      en: 'for the staff who run the city sign-in',
      pt: 'para quem gere a autenticação da cidade',
    },
  };
}
