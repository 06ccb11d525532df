import { type AuthenticationEvent, bridgeOf, type Evidence, type PersonCategory } from './evidence.ts';

/** What an app takes: of which categories of person, from which sources; `null` is any. */
export interface Acceptance {
  readonly categories: readonly PersonCategory[] | null;
  readonly sources: { readonly allow: readonly string[] | null; readonly deny: readonly string[] };
}

export const anything: Acceptance = { categories: null, sources: { allow: null, deny: [] } };

/**
 * The evidence that counts for an app. A confirmed contact is nobody's category and no proof of one, so it stays; other
 * evidence of an unknown category does not count where the app takes some categories only.
 */
export function acceptedEvidence(acceptance: Acceptance, evidence: readonly Evidence[]): readonly Evidence[] {
  const { categories, sources } = acceptance;
  if (categories === null && sources.allow === null && sources.deny.length === 0) return evidence;
  return evidence.filter((item) => notAccepted(acceptance, item) === null);
}

/** The sign-ins that count for an app: one over an upstream that it does not take is none there. */
export function acceptedEvents<T extends Pick<AuthenticationEvent, 'method' | 'credentialId'>>(
  { sources }: Acceptance,
  events: readonly T[],
): readonly T[] {
  if (sources.allow === null && sources.deny.length === 0) return events;
  return events.filter((event) => {
    const source = bridgeOf(event);
    return source === null || (!sources.deny.includes(source) && (sources.allow?.includes(source) ?? true));
  });
}

/** Why a piece of evidence does not count for an app; null: it does. */
export function notAccepted(
  { categories, sources }: Acceptance,
  item: Pick<Evidence, 'kind' | 'source' | 'category'>,
): 'source_denied' | 'category_refused' | null {
  if (sources.deny.includes(item.source) || (sources.allow !== null && !sources.allow.includes(item.source)))
    return 'source_denied';
  if (categories === null || item.kind === 'contact') return null;
  return item.category !== null && categories.includes(item.category) ? null : 'category_refused';
}

/** The category of the person, as the newest evidence that says one has it. */
export function personCategory(evidence: readonly Evidence[]): PersonCategory | null {
  let newest: Evidence | null = null;
  for (const item of evidence)
    if (item.category !== null && (newest === null || item.recordedAt >= newest.recordedAt)) newest = item;
  return newest?.category ?? null;
}
