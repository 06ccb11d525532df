import { itemsOf } from '../assurance/release.ts';
import { tellable } from '../standing/told.ts';
import type { ConsentNeed } from './consent.ts';
import type { JourneyDeps } from './deps.ts';
import type { Citizen } from './gather.ts';

/** What the app would receive, with the citizen's own values, so that nobody agrees to a word. */
export async function consentItems(deps: JourneyDeps, citizen: Citizen, { ask, held }: ConsentNeed): Promise<object> {
  const told = await tellable(deps, citizen, new Set(ask.claims));
  // A language is said by its name, not by its code.
  told.delete('locale');
  const items = itemsOf(ask);
  return {
    items: items.map((id) => ({ id, value: told.get(id) ?? null })),
    already: held === null ? [] : itemsOf(held).filter((id) => !items.includes(id)),
    shown: items.join(' '),
    further: held !== null,
  };
}
