import fc from 'fast-check';
import { type Account, actorOn, type Grant, type Parked } from './actor.ts';
import { openBooks } from './books.ts';
import { judgeOf } from './judge.ts';
import { meddle } from './meddle.ts';
import { isBoundTo, type Person } from './oracle.ts';
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
  | { readonly do: 'die' | 'cancel_record'; readonly who: 'li' | 'chen' }
  | { readonly do: 'park'; readonly who: ActorName }
  | { readonly do: 'meddle'; readonly who: ActorName; readonly at: ActorName }
  | { readonly do: 'resume'; readonly parked: number }
  | {
      readonly do: 'counter';
      readonly who: ActorName;
      readonly as: ActorName;
      /** Two honest officials, or a corrupt one: alone for both, or before an honest one. */
      readonly clerks: 'honest' | 'corrupt' | 'mixed';
    }
  | { readonly do: 'switch'; readonly source: (typeof switchable)[number]; readonly on: boolean };

const who = fc.constantFrom<ActorName>('li', 'chen', 'thief', 'thief');
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ do: fc.constant('register' as const), who, own: fc.boolean() }) },
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
    arbitrary: fc.record({
      do: fc.constantFrom('die' as const, 'cancel_record' as const),
      who: fc.constantFrom('li' as const, 'chen' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('park' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('meddle' as const), who, at: who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('resume' as const), parked: fc.nat({ max: 9 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('counter' as const),
      who,
      as: who,
      clerks: fc.constantFrom('honest' as const, 'honest' as const, 'corrupt' as const, 'mixed' as const),
    }),
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

const registers = (name: ActorName): fc.Arbitrary<Act> =>
  fc.record({ do: fc.constant('register' as const), who: fc.constant(name), own: fc.boolean() });
const most = { maxLength: 57, size: 'max' } as const;
/** Ten to sixty acts; nobody does much without an account, so some people have one from the start. */
export const sequences: fc.Arbitrary<readonly Act[]> = fc
  .tuple(
    fc.oneof(fc.tuple(registers('thief'), registers('li')), fc.tuple(registers('li'), registers('thief'))),
    fc.array(registers('chen'), { maxLength: 1 }),
    fc.array(act, { minLength: 8, ...most }),
  )
  .map((parts) => parts.flat());

export interface Played {
  /** What the oracle found wrong: nothing, mostly. */
  readonly wrong: readonly string[];
  /** The acts up to what was wrong. */
  readonly acted: number;
}

/** Plays a sequence from an empty city. */
export async function play(world: World, sequence: readonly Act[]): Promise<Played> {
  await world.reset();
  const wrong: string[] = [];
  let acted = 0;
  const acts = actorOn(world, { add: (what) => void wrong.push(what) });
  const staff = await staffOf(world);
  const books = await openBooks(world);
  let kills = 0;
  const accounts = new Map<ActorName, Account>();
  const grants: Grant[] = [];
  const parked: Parked[] = [];
  const off = new Set<string>();
  const { answered, look } = judgeOf(acts, off, (what) => void wrong.push(what));
  try {
    for (const each of sequence) {
      await perform(each);
      acted += 1;
      if (wrong.length > 0) break;
    }
    if (wrong.length === 0) wrong.push(...(await books.check({ kills })));
  } finally {
    for (const source of off) await staff.switchOn(source);
    await staff.close();
  }
  return { wrong, acted };

  async function perform(each: Act): Promise<void> {
    if (each.do === 'switch') {
      if (each.on === !off.has(each.source)) return;
      if (each.on) await staff.switchOn(each.source);
      else {
        await staff.kill(each.source);
        kills += 1;
      }
      if (each.on) off.delete(each.source);
      else off.add(each.source);
      return;
    }
    if (each.do === 'look') {
      const grant = grants[each.grant % Math.max(1, grants.length)];
      return grant === undefined ? undefined : look(grant);
    }
    if (each.do === 'resume') {
      const waiting = parked[each.parked % Math.max(1, parked.length)];
      if (waiting === undefined) return;
      const grant = await acts.resume(waiting);
      if (grant === null) return;
      if (waiting.ended) return say('a sign-in that waited went on after its end');
      grants.push(grant);
      return answered(grant, { level: 0, anew: false });
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
        return answered(grant, each);
      }
      case 'park': {
        const waiting = await acts.park(account);
        if (waiting !== null) parked.push(waiting);
        return;
      }
      case 'meddle': {
        const victim = accounts.get(each.at);
        if (victim === undefined || victim === account) return;
        return void wrong.push(...(await meddle(world, acts, { by: account, victim, parked: parked.at(-1) })));
      }
      case 'counter':
        return counter(account, actors[each.as], each.clerks);
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
        for (const other of boundTo(truth.holder)) {
          other.truth.dead = true;
          endAll(other);
        }
        return;
      case 'cancel_record':
        await staff.registerSays(truth.holder.number, 'cancelled');
        for (const other of boundTo(truth.holder))
          Object.assign(other.truth, { cancelled: true, inPerson: false, vouched: null });
        return;
    }
  }

  /** A check in person: the honest read the holder's own card, the corrupt write down whom they were paid for. */
  async function counter(account: Account, as: Person, clerks: 'honest' | 'corrupt' | 'mixed'): Promise<void> {
    const { truth } = account;
    const code = await acts.counterCode(account, 2);
    if (code === null) return;
    const [first, second] = clerks === 'honest' ? [0, 1] : clerks === 'corrupt' ? [2, 2] : [2, 1];
    const contested = boundTo(as).some((other) => other !== account);
    const begun = await staff.confirms(first, code, clerks === 'honest' ? truth.holder : as);
    if (begun === 'half' && clerks !== 'honest' && !contested) truth.vouched = as;
    if (begun !== 'half') return;
    const done = await staff.confirms(second, code, clerks === 'corrupt' ? as : truth.holder);
    if (done !== 'confirmed' || clerks !== 'honest') return;
    Object.assign(truth, { inPerson: true, vouched: null });
    // Whoever claimed to be the person who stood there loses that, and is signed out.
    for (const other of boundTo(truth.holder)) {
      if (other === account) continue;
      Object.assign(other.truth, { claimed: null, vouched: null });
      endAll(other);
    }
  }

  function boundTo(person: Person): Account[] {
    return [...accounts.values()].filter(({ truth }) => isBoundTo(truth, person));
  }

  function endAll(account: Account): void {
    for (const grant of account.grants) grant.ended = true;
    for (const each of parked) if (each.account === account) each.ended = true;
  }

  function say(what: string): void {
    wrong.push(what);
  }
}

const burnerOf = (name: ActorName) => `${burner.slice(0, -1)}${Object.keys(actors).indexOf(name)}`;
