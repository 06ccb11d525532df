import { loadPeople } from '../../simulators/people.ts';
import { cardsOf } from '../../simulators/unionpay/cards.ts';
import type { Person } from './oracle.ts';

const people = loadPeople();
const cards = cardsOf(people);

function person(id: string): Person {
  const found = people.find((each) => each.id === id);
  const number = found?.documents.find(({ type }) => type === 'cn_resident_id')?.number;
  const name = found?.names['zh-Hans'];
  if (found === undefined || number === undefined || name === undefined) throw new Error(`nobody is ${id}`);
  const card = cards.find((each) => each.person === id)?.number ?? '';
  return { id, name, number, phone: found.phone.replace('+86', ''), card };
}

/** Two who are honest, and one who knows all about them: names, numbers, telephones and cards. */
export const li = person('li-xiaoming');
export const chen = person('chen-jiayi');
export const thief = person('zhang-wei-1');
/** A telephone that is registered to nobody whom the carriers know. */
export const burner = '13911110000';
