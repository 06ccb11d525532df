import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { defaultPolicy } from '../seeds/policy.ts';
import { appRuleOf } from '../src/assurance/policy.ts';
import { createHashQueue, hashPassword } from '../src/authenticators/password.ts';
import { newTotpSecret } from '../src/authenticators/totp.ts';
import { registerCitizen } from '../src/commands/register-citizen.ts';
import { saveRegisteredApp } from '../src/commands/save-app.ts';
import { parseConfig } from '../src/config.ts';
import { systemClock } from '../src/lib/clock.ts';
import { newId, sealFor } from '../src/lib/crypto.ts';
import { ensureSecrets } from '../src/secrets.ts';
import { seed } from '../src/seed.ts';
import { findAccount } from '../src/storage/accounts.ts';
import { insertTotp, setPassword } from '../src/storage/authenticators.ts';
import { connect, migrate } from '../src/storage/db.ts';
import { appendPolicy } from '../src/storage/policies.ts';
import { type Citizen, newCitizen, password } from './citizens.ts';
import { benchClient } from './setup.ts';

/** `node bench/seed.ts <citizens> <file>` with SHIMIN_* set: an installation with the bench's app and its citizens. */
const [count = '0', file = ''] = process.argv.slice(2);
const config = parseConfig(process.env);
const keyring = await ensureSecrets(config.secretsFile);
const database = connect(config.databaseUrl);
const db = database.knex;
const deps = { db, keyring, clock: systemClock };
await migrate(db);
await seed({ ...deps, config });
// Level 1, as the demo's library: what is measured is signing in, not proofing.
const apps = { ...defaultPolicy.apps, [benchClient.client_id]: appRuleOf('urn:shimin:loa:1') };
const document = { ...defaultPolicy, version: 2, apps };
await appendPolicy(db, { version: 2, document, createdBy: 'bench', at: systemClock(), expectedPrevious: 1 });
const bench = { 'zh-Hans': '测试', 'zh-Hant': '測試', en: 'Bench', pt: 'Teste' };
await saveRegisteredApp(deps, {
  // First-party: the yardstick asks for no consent either.
  metadata: { ...benchClient, scope: 'openid offline_access', shimin_first_party: true },
  name: bench,
  purpose: bench,
  ownerName: 'bench',
  rules: { allowLoopback: true },
});
// One hash for all: what a sign-in costs is to check it.
const hash = await hashPassword({ queue: createHashQueue(), pepper: keyring.pepper, password });
const cause = { requestId: null, clientId: null };
const citizens: Citizen[] = [];
for (let number = 0; number < Number(count); number += 1) {
  const { citizen, cose } = newCitizen(number, newTotpSecret());
  const accountId = newId();
  const passkey = {
    credentialId: citizen.credentialId,
    publicKey: cose,
    counter: 0,
    transports: ['internal'],
    backupEligible: false,
    backupState: false,
    userVerifiedAtRegistration: true,
    aaguid: '00000000-0000-0000-0000-000000000000',
    name: 'bench',
  };
  await registerCitizen(deps, {
    accountId,
    userHandle: citizen.userHandle,
    phone: citizen.phone,
    locale: 'en',
    interaction: randomUUID(),
    first: { kind: 'passkey', passkey },
    facts: [],
    cause,
  });
  const account = await findAccount(db, accountId);
  if (!account) throw new Error('the citizen just made is gone');
  const at = systemClock();
  await setPassword(db, { accountId, hash, createdAt: at });
  const sealedSecret = sealFor(keyring, account.sealedKey, citizen.totpSecret, `totp:${accountId}`);
  await insertTotp(db, { id: newId(), accountId, sealedSecret, lastStep: 0, confirmedAt: at });
  citizens.push(citizen);
}
writeFileSync(file, JSON.stringify(citizens));
await database.close();
