import type { World } from './world.ts';

/**
 * What changed in the city beside the lines that the audit has of it: each change has one. Both are counted from an empty
 * city on, by tables and not by anything of ours that writes them.
 */
export async function openBooks({ database: { knex } }: World) {
  const last = await knex('audit').max({ seq: 'seq' }).first();
  const since = Number(last?.seq ?? 0);
  async function rows(table: string, where: (query: ReturnType<typeof knex>) => unknown = () => undefined) {
    const query = knex(table);
    where(query);
    const found = await query.count({ n: '*' }).first();
    return Number(found?.n ?? 0);
  }
  const lines = (...types: string[]) => rows('audit', (query) => query.where('seq', '>', since).whereIn('type', types));

  return {
    /** What does not add up: nothing, mostly. Staff are people of the test's own, whom no command made. */
    async check({ kills }: { kills: number }): Promise<string[]> {
      const citizens = await rows('accounts', (query) => query.whereNotIn('id', knex('staff').select('account_id')));
      const identity = await rows('evidence', (query) => query.whereNot({ kind: 'contact' }));
      const ended = await rows('interventions', (query) => query.whereNotNull('lifted_at'));
      const pairs: readonly (readonly [string, number, number])[] = [
        ['accounts', citizens, await lines('account.registered')],
        ['keys', await rows('passkeys'), await lines('account.registered', 'authenticator.added')],
        ['proofs', identity, await lines('evidence.recorded')],
        ['interventions', await rows('interventions'), await lines('intervention.set')],
        ['interventions ended', ended, await lines('intervention.ended')],
        ['switches', kills, await lines('source.switched')],
      ];
      return pairs
        .filter(([, changes, told]) => changes !== told)
        .map(([what, changes, told]) => `${changes} ${what} and ${told} lines of the audit`);
    },
  };
}
