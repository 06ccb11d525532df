import { z } from 'zod';
import { parseStrictJson } from '../../lib/strict-json.ts';

const text = z.string().max(500);
/** Every value is a string there; what is empty comes as null, '' or '-1'. */
const value = text
  .nullish()
  .transform((given) => (given === undefined || given === null || given === '' || given === '-1' ? null : given));

/** Nested objects have been seen both as JSON and as strings of JSON. */
const nested = <T extends z.ZodType>(schema: T) =>
  z.preprocess((given) => {
    if (typeof given !== 'string') return given;
    const parsed = parseStrictJson(given);
    return parsed.ok ? parsed.value : undefined;
  }, schema);

const noError = z.union([z.literal(0), z.literal('0')]).optional();
const failure = { errcode: z.union([z.string().min(1).max(60), z.number()]), errmsg: text.nullish() };

/** HTTP 200 for good and bad: an answer is one or the other, never both. */
export const tokenAnswer = z.union([
  z.object({ access_token: z.string().min(8).max(500), errcode: noError }),
  z.object({ ...failure, access_token: z.undefined().optional() }),
]);

/** What is inside is looked at by `personAnswer`: an account of a wrong shape is not a broken line. */
export const infoAnswer = z.union([
  z.object({ ...failure, userobj: z.undefined().optional() }),
  z.object({ errcode: noError, userobj: z.unknown().optional(), user_creditable_level: z.unknown().optional() }),
]);

const account = z.object({
  useridcode: value,
  uid: value,
  cn: value,
  usertype: value,
  isreal: value,
  is_real: value,
  telephonenumber: value,
  idcardtype: value,
  idcardnumber: value,
  accout_type: value,
  extproperties: z
    .array(text)
    .max(100)
    .nullish()
    .transform((pairs) => pairs ?? []),
  creditable_level_of_account: value,
  creditable_level_of_account_way: value,
});
export type Account = z.infer<typeof account>;

const way = z.object({
  auth_time: value,
  user_name: value,
  credential_no: value,
  identity_level: value,
  way_code: value,
});

const credit = z.object({
  creditable_level_of_account: value,
  creditable_level_of_account_way_list: z
    .array(way)
    .max(50)
    .nullish()
    .transform((ways) => ways ?? []),
});
export type Credit = z.infer<typeof credit>;

export const personAnswer = z.object({
  userobj: nested(account),
  user_creditable_level: nested(credit.nullish()),
});

/** Values of `k=v` lines; null for a name that is missing, empty, or there twice with different values. */
export function property(pairs: readonly string[], name: string): string | null {
  const found = new Set(pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1)));
  const [only] = found;
  return found.size !== 1 || only === undefined || only === '' || only === '-1' ? null : only;
}

/** `L2@YSS@2088…||L0@IDV@…`: at which level each way has confirmed the account. Null when it is not of this form. */
export function waysOf(line: string): readonly { level: string; way: string }[] | null {
  const ways = line.split('||').map((part) => /^(L[0-9])@([A-Z]{2,5})@/.exec(part));
  return ways.some((match) => match === null)
    ? null
    : ways.flatMap((match) => (match?.[1] && match[2] ? [{ level: match[1], way: match[2] }] : []));
}
