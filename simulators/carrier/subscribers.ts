import { createHash } from 'node:crypto';
import type { TestPerson } from '../people.ts';

export const carriers = ['CMCC', 'CTCC', 'CUCC'] as const;
export type Carrier = (typeof carriers)[number];

/** A number and whose it is just now. */
export interface Line {
  /** Id of the person to whom it was given first; names the line for ever. */
  readonly id: string;
  readonly phone: string;
  readonly carrier: Carrier;
  /** Id of the person who holds it. */
  readonly holder: string;
  readonly name: string;
  /** Number of the document that it is registered to. */
  readonly document: string;
  readonly months: number;
  /** 0 in service, 1 suspended, 2 given up, 3 never given out, 4 off the net, 99 unknown. */
  readonly status: number;
}

/** Carriers of some, so that each has known people; the others' follow from their ids. Numbers say nothing: one was moved. */
const special: Readonly<Record<string, Partial<Pick<Line, 'carrier' | 'phone' | 'months' | 'status'>>>> = {
  'li-xiaoming': { carrier: 'CMCC', months: 130 },
  'chen-jiayi': { carrier: 'CTCC', months: 60 },
  'wang-jianguo': { carrier: 'CUCC', months: 200 },
  'zhang-wei-1': { carrier: 'CMCC', months: 1 },
  'zhang-wei-2': { carrier: 'CTCC', status: 1 },
  'rare-character': { carrier: 'CUCC' },
  'chan-tai-man': { carrier: 'CMCC', phone: '13800138021' },
  'ho-ka-i': { carrier: 'CTCC', phone: '13800138022' },
  'lin-yi-chun': { carrier: 'CUCC', phone: '13800138023' },
};

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');

export interface Network {
  readonly lines: () => readonly Line[];
  byId(id: string): Line | undefined;
  byPhone(phone: string): Line | undefined;
  /** What becomes of a line; `recycledTo` gives its number to another person. An empty change undoes all. */
  change(id: string, change: Partial<Pick<Line, 'carrier' | 'months' | 'status'>> & { recycledTo?: string }): boolean;
  /** The carrier's name of a subscription for one app: another with another holder, the same with another SIM. */
  openIdOf(line: Line, appId: string): string;
}

export function openNetwork(people: readonly TestPerson[]): Network {
  const originals = new Map(people.flatMap((person) => lineOf(person)).map((line) => [line.id, line]));
  const now = new Map(originals);
  return {
    lines: () => [...now.values()],
    byId: (id) => now.get(id),
    byPhone: (phone) => [...now.values()].find((line) => line.phone === phone),
    change(id, { recycledTo, ...change }) {
      const original = originals.get(id);
      const next = recycledTo === undefined ? undefined : originals.get(recycledTo);
      if (!original || (recycledTo !== undefined && !next)) return false;
      const holder = next ? { holder: next.id, name: next.name, document: next.document, months: 0 } : {};
      now.set(id, { ...original, ...holder, ...change });
      return true;
    },
    openIdOf: ({ id, holder }, appId) => digestOf(`subscription ${id} of ${holder} for ${appId}`).slice(0, 32),
  };
}

function lineOf({ id, names, documents, phone }: TestPerson): Line[] {
  const own = special[id] ?? {};
  const mobile = own.phone ?? phone.replace(/^\+86/, '');
  const name = names['zh-Hans'] ?? names['zh-Hant'] ?? '';
  const document = documents.find(({ type }) => type.startsWith('cn_'))?.number;
  if (!/^1\d{10}$/.test(mobile) || document === undefined || name === '') return [];
  const byChance = carriers[Number.parseInt(digestOf(id).slice(0, 6), 16) % carriers.length] ?? 'CMCC';
  return [{ id, phone: mobile, carrier: byChance, holder: id, name, document, months: 30, status: 0, ...own }];
}
