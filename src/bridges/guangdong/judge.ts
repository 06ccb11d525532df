import { nameAnswer } from '../../identity/names.ts';
import { foldTyped } from '../../identity/typed.ts';
import type { BridgeResult } from '../bridge.ts';
import { type CreditLevel, creditLevels, levelName, loginKinds, methodsOf } from './levels.ts';
import { claimsOf, isMasked } from './person.ts';
import { type Account, type Credit, property, waysOf } from './wire.ts';

const isCreditLevel = (level: string | null): level is CreditLevel => creditLevels.some((known) => known === level);

/** Who stands before the platform, or why its answer is taken for none. */
export function judge(account: Account, credit: Credit | null, clientId: string): BridgeResult {
  const invalid = (why: string): BridgeResult => ({
    outcome: 'refused',
    reason: 'answer_invalid',
    cause: new Error(why),
  });
  const { useridcode, usertype } = account;
  // `uid` is a name that people choose; only the platform's own code is theirs for ever.
  if (useridcode === null || !/^[0-9a-f]{32}$/.test(useridcode)) return invalid('useridcode');
  // Accounts of legal persons sign in for a company, not for whoever sits there.
  if (usertype === '2') return { outcome: 'refused', reason: 'denied', cause: new Error('usertype 2') };
  if (usertype !== '1') return invalid('usertype');
  const contradiction = contradictionIn(account, credit);
  if (contradiction !== null) return invalid(contradiction);

  const level = account.creditable_level_of_account;
  const kind = account.accout_type ?? property(account.extproperties, 'accout_type');
  const login = kind !== null && Object.hasOwn(loginKinds, kind) ? loginKinds[kind] : undefined;
  return {
    outcome: 'identified',
    identity: {
      subjects: [{ part: 'useridcode', of: [clientId, useridcode] }],
      // A level or a kind of login that is new to us counts for nothing until somebody has looked at it.
      level: isCreditLevel(level) && login !== undefined ? levelName(level, login) : null,
      methods: login === undefined ? [] : methodsOf[login],
      authTime: null,
      claims: claimsOf(account),
    },
  };
}

/** What does not fit together within one answer: such an answer was made or mixed up by somebody. */
function contradictionIn(account: Account, credit: Credit | null): string | null {
  const level = account.creditable_level_of_account;
  const apart = credit?.creditable_level_of_account ?? level;
  if (apart !== level) return 'levels differ';
  if (level === null || !isCreditLevel(level)) return null;
  const real = account.isreal ?? account.is_real;
  if (real !== 'true' && real !== 'false') return 'isreal';
  // isreal says L1 at least, and nothing else.
  if ((real === 'true') !== (level !== 'L0')) return 'isreal and level';
  if (level === 'L0') return null;
  const ways = waysOf(account.creditable_level_of_account_way ?? '');
  if (ways === null) return 'ways';
  // Nobody has a level that no way gave them.
  if (
    ways
      .map((way) => way.level)
      .toSorted()
      .at(-1) !== level
  )
    return 'level without a way';
  return ofAnother(account, credit) ? 'a way of another person' : null;
}

/** Whether a confirmation in the list is about another name or number than the account's. */
function ofAnother({ cn, idcardnumber }: Account, credit: Credit | null): boolean {
  return (credit?.creditable_level_of_account_way_list ?? [])
    .filter((way) => way.identity_level !== 'L0')
    .some((way) => otherName(way.user_name, cn) || otherNumber(way.credential_no, idcardnumber));
}

/** Starred values can't be compared, nor can what is missing. */
const comparable = (a: string | null, b: string | null): boolean =>
  a !== null && b !== null && !isMasked(a) && !isMasked(b);

const otherName = (a: string | null, b: string | null): boolean =>
  comparable(a, b) && nameAnswer(a ?? '', b ?? '') !== 'same';

/** Numbers of different lengths are of different documents, which one person may well have. */
const otherNumber = (a: string | null, b: string | null): boolean =>
  comparable(a, b) && a?.length === b?.length && foldTyped(a ?? '') !== foldTyped(b ?? '');
