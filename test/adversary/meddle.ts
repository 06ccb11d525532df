import type { Account, Acts, Parked } from './actor.ts';
import type { World } from './world.ts';

/** Somebody who has learnt the ids of what is another's tries them on their own pages: nothing may be read or changed. */
export async function meddle(
  { database: { knex } }: World,
  acts: Acts,
  { by, victim, parked }: { by: Account; victim: Account; parked: Parked | undefined },
): Promise<string[]> {
  const key = await knex('passkeys').where({ credential_id: victim.keys.keys[0]?.credentialId }).first();
  const accountId = String(key?.account_id);
  const held = async () => ({
    keys: (await knex('passkeys').where({ account_id: accountId }).select('id').orderBy('id')).map(({ id }) => id),
    sessions: (await knex('session_records').where({ account_id: accountId }).whereNull('ended_at').select('uid'))
      .map(({ uid }) => uid)
      .sort(),
    cases: (await knex('counter_cases').where({ account_id: accountId }).select('id', 'status').orderBy('id')).map(
      ({ id, status }) => `${id} ${status}`,
    ),
  });
  const before = await held();
  const wrong: string[] = [];
  const forms = [
    ...before.keys.map((id) => `/account/authenticators/passkeys/${id}/remove`),
    ...before.sessions.map((uid) => `/account/sessions/${uid}/end`),
  ];
  for (const path of forms) await acts.tryForm(by, path);
  for (const each of before.cases) {
    const path = `/account/counter/${each.split(' ')[0]}`;
    if ((await acts.ownPage(by, path)) !== null) wrong.push(`${path.replace(/[^/]+$/, ':id')} of another was shown`);
  }
  if (parked?.account === victim && (await acts.takeOver(by, parked)))
    wrong.push('a request of another browser went on');
  const after = await held();
  for (const what of ['keys', 'sessions', 'cases'] as const)
    if (JSON.stringify(before[what]) !== JSON.stringify(after[what])) wrong.push(`${what} of another were changed`);
  return wrong;
}
