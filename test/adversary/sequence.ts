import fc from 'fast-check';
import { type Account, actorOn, type Grant } from './actor.ts';
import { honestLevel, honestName, rank } from './oracle.ts';
import { burner, chen, li, thief } from './people.ts';
import { staffOf } from './staff.ts';
import type { World } from './world.ts';

const actors = { li, chen, thief } as const;
type ActorName = keyof typeof actors;
export const switchable = ['face', 'unionpay', 'carrier'] as const;

/** One thing that somebody does. Plain data, so that a sequence can be printed, shrunk and played again. */
export type Act =
  | { readonly do: 'register'; readonly who: ActorName; readonly own: boolean }
  | {
      readonly do: 'ask';
      readonly who: ActorName;
      readonly level: number;
      readonly as: ActorName;
      readonly way: number;
      readonly cancel: boolean;
      readonly anew: boolean;
    }
  | { readonly do: 'look'; readonly grant: number }
  | { readonly do: 'sign_out_everywhere' | 'suspend' | 'lift'; readonly who: ActorName }
  | { readonly do: 'new_browser'; readonly who: ActorName }
  | { readonly do: 'die'; readonly who: 'li' | 'chen' }
  | { readonly do: 'switch'; readonly source: (typeof switchable)[number]; readonly on: boolean };

const who = fc.constantFrom<ActorName>('li', 'chen', 'thief', 'thief');
export const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('register' as const), who, own: fc.boolean() }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      who,
      level: fc.constantFrom(0, 2, 2, 3, 3, 4),
      as: who,
      way: fc.nat({ max: 3 }),
      cancel: fc.boolean(),
      anew: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('look' as const), grant: fc.nat({ max: 50 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('sign_out_everywhere' as const, 'suspend' as const, 'lift' as const),
      who,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('new_browser' as const), who }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('die' as const), who: fc.constantFrom('li' as const, 'chen' as const) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('switch' as const),
      source: fc.constantFrom(...switchable),
      on: fc.boolean(),
    }),
  },
);

/** Plays a sequence from an empty city and answers what the oracle found wrong: nothing, mostly. */
export async function play(world: World, sequence: readonly Act[]): Promise<string[]> {
  await world.reset();
  const wrong: string[] = [];
  const acts = actorOn(world, { add: (what) => void wrong.push(what) });
  const staff = await staffOf(world);
  const accounts = new Map<ActorName, Account>();
  const grants: Grant[] = [];
  const off = new Set<string>();
  try {
    for (const each of sequence) {
      await perform(each);
      if (wrong.length > 0) break;
    }
  } finally {
    for (const source of off) await staff.switchOn(source);
    await staff.close();
  }
  return wrong;

  async function perform(each: Act): Promise<void> {
    if (each.do === 'switch') {
      if (each.on === !off.has(each.source)) return;
      if (each.on) await staff.switchOn(each.source);
      else await staff.kill(each.source);
      if (each.on) off.delete(each.source);
      else off.add(each.source);
      return;
    }
    if (each.do === 'look') {
      const grant = grants[each.grant % Math.max(1, grants.length)];
      return grant === undefined ? undefined : look(grant);
    }
    if (each.do === 'register') {
      if (accounts.has(each.who)) return;
      const person = actors[each.who];
      const account = await acts.register(person, each.own ? person.phone : burnerOf(each.who));
      if (account !== null) accounts.set(each.who, account);
      return;
    }
    const account = accounts.get(each.who);
    if (account === undefined) return;
    const { truth } = account;
    switch (each.do) {
      case 'ask': {
        const intent = { as: actors[each.as], way: each.way, cancelCamera: each.cancel };
        const grant = await acts.ask(account, each.level, intent, each.anew ? { prompt: 'login' } : {});
        if (grant === null) return;
        grants.push(grant);
        judge(account, grant.idToken, `id_token after asking for ${each.level}`);
        if (each.level > 0 && rank(grant.idToken.acr) < each.level) say(`asked for ${each.level}, got a code for less`);
        return look(grant);
      }
      case 'sign_out_everywhere':
        if (await acts.signOutEverywhere(account)) endAll(account);
        return;
      case 'suspend':
        if (await staff.suspend(account)) {
          truth.stopped = true;
          endAll(account);
        }
        return;
      case 'lift':
        if (await staff.lift(account)) truth.stopped = false;
        return;
      case 'new_browser':
        account.browser = acts.newBrowser();
        return;
      case 'die':
        await staff.registerSays(truth.holder.number, 'deceased');
        for (const [, other] of accounts)
          if (other.truth.claimed?.id === truth.holder.id) {
            other.truth.dead = true;
            endAll(other);
          }
        return;
    }
  }

  function endAll(account: Account): void {
    for (const grant of account.grants) grant.ended = true;
  }

  /** Every answer about one grant: none says more than the oracle, none works that was ended, and all say the same. */
  async function look(grant: Grant): Promise<void> {
    const { account } = grant;
    const [access, user] = [await acts.introspect(grant.accessToken), await acts.userinfo(grant.accessToken)];
    const fresh = await acts.refresh(grant);
    if (grant.ended || account.truth.dead || account.truth.stopped) {
      if (access.active === true) say('an ended access token is active');
      if (user !== null) say('an ended access token opens userinfo');
      if (fresh !== null) say('an ended refresh token was taken');
      return;
    }
    if (access.active === true) judge(account, access, 'introspection');
    if (user !== null) judge(account, user, 'userinfo');
    if (fresh !== null) judge(account, fresh, 'refreshed id_token');
  }

  function judge({ truth }: Account, claims: Readonly<Record<string, unknown>>, where: string): void {
    const most = honestLevel(truth, off);
    const assurance = claims.assurance as { level?: unknown; ial?: number } | undefined;
    for (const level of [claims.acr, assurance?.level])
      if (level !== undefined && level !== null && rank(level) > most)
        say(`${where} of ${truth.holder.id} says ${String(level)}; honest is ${most}`);
    if (
      assurance?.level != null &&
      claims.acr !== undefined &&
      rank(assurance.level) > Math.max(rank(claims.acr), most)
    )
      say(`${where}: acr and assurance.level differ upwards`);
    const said = namesIn(claims);
    const own = honestName(truth, off);
    for (const name of said) if (name !== own) say(`${where} of ${truth.holder.id} says the name ${name}`);
  }

  function say(what: string): void {
    wrong.push(what);
  }
}

const burnerOf = (name: ActorName) => `${burner.slice(0, -1)}${Object.keys(actors).indexOf(name)}`;

/** Every name that an answer gives, nested ones too. */
function namesIn(claims: unknown): string[] {
  if (typeof claims !== 'object' || claims === null) return [];
  return Object.entries(claims).flatMap(([key, value]) =>
    key === 'name' && typeof value === 'string' ? [value] : namesIn(value),
  );
}
