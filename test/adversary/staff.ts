import { counterChecks } from '../../src/identity/counter.ts';
import { dayInYears } from '../support/days.ts';
import { type Desk, openStaffroom } from '../support/staff-http.ts';
import type { Account } from './actor.ts';
import type { Person } from './oracle.ts';
import type { World } from './world.ts';

const ticked = Object.fromEntries(counterChecks.map((check) => [`check_${check}`, 'on']));

/** Longer than a node believes what it read of switches. */
const NOTICED_MS = 1_100;

/** Those who run the city, over HTTP: support, who stops accounts, and somebody who switches sources. */
export async function staffOf(world: World) {
  const room = await openStaffroom(world);
  const { knex } = world.database;
  const desks = new Map<string, Desk>();
  const desk = async (role: 'support' | 'bridge_admin' | 'clerk', which = 0) => {
    const name = `${role} ${which}`;
    const known = desks.get(name) ?? (await room.desk([role]));
    if (!desks.has(name) && role === 'clerk') await known.post('/admin/counter/seat', { counter: 'bay-port' });
    desks.set(name, known);
    return known;
  };

  async function idOf({ keys }: Account): Promise<string> {
    const row = await knex('passkeys').where({ credential_id: keys.keys[0]?.credentialId }).first('account_id');
    return String(row?.account_id);
  }

  /** Opens the person's page as support does, with a reason. */
  async function open(account: Account): Promise<{ path: string; support: Desk }> {
    const support = await desk('support');
    const id = await idOf(account);
    const found = await support.post('/admin/people/find', { kind: 'account', value: id, reason: 'citizen_called' });
    if (found.status !== 303) throw new Error(`support found nobody ${id}: ${found.status} ${await found.text()}`);
    return { path: `/admin/people/${id}`, support };
  }

  return {
    close: () => room.close(),
    async suspend(account: Account): Promise<boolean> {
      const { path, support } = await open(account);
      const wanted = { kind: 'suspended', reason: 'takeover_suspected' };
      return (await support.post(`${path}/intervene`, wanted)).status === 303;
    },
    async lift(account: Account): Promise<boolean> {
      const { path, support } = await open(account);
      const html = await (await support.get(path, 'text/html')).text();
      const intervention = /name="intervention" value="([^"]*)"/.exec(html)?.[1];
      if (intervention === undefined) return false;
      return (await support.post(`${path}/lift`, { intervention, reason: 'cleared' })).status === 303;
    },
    async kill(source: string): Promise<void> {
      const answer = await (await desk('bridge_admin')).post(`/admin/sources/${source}/kill`, { reason: 'drill' });
      if (answer.status !== 303) throw new Error(`${source} was not killed: ${answer.status} ${await answer.text()}`);
      await noticed();
    },
    /** What two people decide, written down: their pages are not what is tried here. */
    async switchOn(source: string): Promise<void> {
      await knex('changes').delete();
      await knex('sources').where({ id: source }).delete();
      await noticed();
    },
    /** An official, by number, writes down whom a citizen's code is about. */
    async confirms(clerk: number, code: string, person: Person): Promise<'half' | 'confirmed' | 'no'> {
      const official = await desk('clerk', clerk);
      const path = (await official.post('/admin/counter/take', { code })).headers.get('location');
      if (path === null) return 'no';
      const birthDate = person.number.replace(/^.{6}(....)(..)(..).*$/, '$1-$2-$3');
      const { number, name } = person;
      const read = { as: 'mainland.cn_resident_id', number, name, birthDate, validUntil: dayInYears(9), ...ticked };
      const done = (await official.post(`${path}/confirm`, read)).headers.get('location');
      const result =
        done === null ? '' : /id="result">([^<]*)/.exec(await (await official.get(done, 'text/html')).text())?.[1];
      if (!result) return 'no';
      return /second/i.test(result) ? 'half' : /confirmed/i.test(result) ? 'confirmed' : 'no';
    },
    /** The register tells what became of somebody, and the provider has heard. */
    async registerSays(number: string, status: string): Promise<void> {
      await fetch(`${world.simulators}/population/people/${number}/fate`, {
        method: 'POST',
        body: JSON.stringify({ status }),
      });
      await noticed();
    },
  };
}

const noticed = () => new Promise((done) => setTimeout(done, NOTICED_MS));
