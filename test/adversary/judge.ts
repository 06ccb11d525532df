import type { Acts, Grant, Said } from './actor.ts';
import { honestLevel, honestNames, owedLevel, rank } from './oracle.ts';

/** Holds what the city says against the oracle. */
export function judgeOf(acts: Acts, off: ReadonlySet<string>, say: (what: string) => void) {
  /** A new answer of an authorization: what was asked for, and what its ID token says. */
  async function answered(grant: Grant, { level, anew }: { level: number; anew: boolean }): Promise<void> {
    const { truth } = grant.account;
    judge(grant, grant.idToken, `id_token after asking for ${level}`);
    const said = rank(grant.idToken.acr);
    if (level > 0 && said < level) say(`asked for ${level}, got a code for ${said}`);
    if (level === 0 && off.size === 0 && said < owedLevel(truth))
      say(`${truth.holder.id} had ${owedLevel(truth)} and was answered with ${said}`);
    if (anew && !grant.shown) say('prompt=login was answered and no key was shown');
    truth.reached = Math.max(truth.reached, Math.min(said, 3));
    await look(grant);
  }

  /** Every answer about one grant: none says more than the oracle, and none works that was ended. */
  async function look(grant: Grant): Promise<void> {
    const { truth } = grant.account;
    const [access, user] = [await acts.introspect(grant.accessToken), await acts.userinfo(grant.accessToken)];
    const fresh = await acts.refresh(grant);
    if (grant.ended || truth.dead || truth.stopped) {
      if (access.active === true) say('an ended access token is active');
      if (user !== null) say('an ended access token opens userinfo');
      if (fresh !== null) say('an ended refresh token was taken');
      return;
    }
    if (access.active === true) judge(grant, access, 'introspection');
    if (user !== null) judge(grant, user, 'userinfo');
    if (fresh !== null) judge(grant, fresh, 'refreshed id_token');
  }

  function judge({ account: { truth }, shown }: Grant, claims: Said, where: string): void {
    // The highest level takes a key that is shown for this very request.
    const most = Math.min(honestLevel(truth, off), shown ? 4 : 3);
    const assurance = claims.assurance as { level?: unknown } | undefined;
    for (const level of [claims.acr, assurance?.level])
      if (level !== undefined && level !== null && rank(level) > most)
        say(`${where} of ${truth.holder.id} says ${String(level)}; honest is ${most}`);
    const own = honestNames(truth, off);
    for (const name of namesIn(claims))
      if (!own.includes(name)) say(`${where} of ${truth.holder.id} says the name ${name}`);
  }

  return { answered, look };
}

/** Every name that an answer gives, nested ones too. */
function namesIn(claims: unknown): string[] {
  if (typeof claims !== 'object' || claims === null) return [];
  return Object.entries(claims).flatMap(([key, value]) =>
    key === 'name' && typeof value === 'string' ? [value] : namesIn(value),
  );
}
