import { type Account, creditLevels, wayOf } from './accounts.ts';

/** Answers in good order that are wrong, or say something that nobody may build on. */
export const infoFaults = [
  'shape',
  'object_missing',
  'ext_broken',
  'keys_twice',
  'code_missing',
  'code_blank',
  'code_upper_case',
  'code_short',
  'usertype_unknown',
  'legal_person',
  'level_raised',
  'level_unbacked',
  'ways_missing',
  'ways_broken',
  'real_lowered',
  'real_raised',
  'real_missing',
  'way_of_another_name',
  'way_of_another_number',
  'level_unknown',
  'login_unknown',
  'login_twice',
  'login_missing',
  'masked',
  'as_text',
  'info_busy',
  'info_refused',
] as const;
export type InfoFault = (typeof infoFaults)[number];

type Fields = Record<string, unknown>;

/** The platform's own account of how the level came about. */
const waysUpTo = ({ level }: Account) => creditLevels.slice(0, creditLevels.indexOf(level) + 1);

function honest(account: Account): { userobj: Fields; credit: Fields } {
  const { name, documentNumber, level } = account;
  const line = waysUpTo(account)
    .map((each) => `${each}@${wayOf[each]}@${documentNumber}`)
    .join('||');
  const list = waysUpTo(account).map((each) => ({
    auth_time: each === 'L0' ? null : '2025-02-28 16:45:26',
    uniqueid: account.useridcode,
    user_name: name,
    auth_identification: documentNumber,
    identity_level: each,
    credential_no: documentNumber,
    way_code: wayOf[each],
  }));
  return {
    userobj: {
      uid: account.uid,
      realtype: level === 'L0' ? '-1' : 'PLV',
      cn: name,
      tokenid: '',
      usertype: '1',
      link_person_name: '',
      isreal: String(level !== 'L0'),
      telephonenumber: account.phone,
      mail: '',
      idcardtype: account.documentType,
      createtime: '20190618191221',
      extproperties: [
        'address=-1',
        'origin=gdbs',
        `accout_type=${account.login}`,
        'area=shenzhen',
        'uversion=3.0',
        'sex=-1',
      ],
      idcardnumber: documentNumber,
      useridcode: account.useridcode,
      creditable_level_of_account_way: line,
      creditable_level_of_account: level,
    },
    credit: {
      creditable_level_of_account_way: line,
      creditable_level_of_account_way_list: list,
      creditable_level_of_account: level,
    },
  };
}

const starred = (value: string) => `${value.slice(0, 2)}${'*'.repeat(Math.max(1, value.length - 4))}${value.slice(-2)}`;

/** What `tokeninfo` says of an account, as text; null stands for an account whose kind can't be spoilt so. */
export function infoAnswer(account: Account, fault: InfoFault | null): string {
  const { userobj, credit } = honest(account);
  const ext = (login: string[]) => ['origin=gdbs', ...login.map((kind) => `accout_type=${kind}`)];
  const list = (changes: Fields) => ({
    ...credit,
    creditable_level_of_account_way_list: [{ identity_level: 'L1', way_code: 'PLV', ...changes }],
  });
  const answer = (changes: Fields, creditChanges: Fields = {}) =>
    JSON.stringify({
      signdata: Buffer.from(account.useridcode).toString('base64'),
      userobj: { ...userobj, ...changes },
      pareobj: null,
      user_creditable_level: { ...credit, ...creditChanges },
    });
  const level = 'creditable_level_of_account';
  const changed: Readonly<Record<InfoFault, () => string>> = {
    shape: () => answer({ useridcode: [account.useridcode] }),
    object_missing: () => JSON.stringify({ signdata: '', pareobj: null }),
    ext_broken: () => answer({ extproperties: 'accout_type=3' }),
    keys_twice: () => answer({}).replace('"userobj":{', `"userobj":{"useridcode":"${'0'.repeat(32)}",`),
    code_missing: () => answer({ useridcode: undefined }),
    code_blank: () => answer({ useridcode: ' ' }),
    code_upper_case: () => answer({ useridcode: account.useridcode.toUpperCase() }),
    code_short: () => answer({ useridcode: account.useridcode.slice(1) }),
    usertype_unknown: () => answer({ usertype: '3' }),
    legal_person: () => answer({ usertype: '2', cn: '某某公司', link_person_name: account.name }),
    level_raised: () => answer({ [level]: 'L3' }, { [level]: 'L1' }),
    level_unbacked: () => answer({ [level]: 'L3', [`${level}_way`]: 'L1@PLV@1||L2@YSS@1' }, { [level]: 'L3' }),
    ways_missing: () => answer({ [`${level}_way`]: '-1' }),
    ways_broken: () => answer({ [`${level}_way`]: 'L3' }),
    real_lowered: () => answer({ isreal: 'false' }),
    real_raised: () => answer({ isreal: 'true', [level]: 'L0' }, { [level]: 'L0' }),
    real_missing: () => answer({ isreal: '-1' }),
    way_of_another_name: () => answer({}, list({ user_name: '别人', credential_no: null })),
    way_of_another_number: () =>
      answer(
        {},
        list({ user_name: null, credential_no: `4403051970010${account.documentNumber.slice(13)}`.padEnd(18, '0') }),
      ),
    level_unknown: () => answer({ [level]: 'L9' }, { [level]: 'L9' }),
    login_unknown: () => answer({ extproperties: ext(['7']) }),
    login_twice: () => answer({ extproperties: ext(['1', '2']) }),
    login_missing: () => answer({ extproperties: null }),
    masked: () =>
      answer({
        cn: `${account.name.slice(0, 1)}**`,
        idcardnumber: starred(account.documentNumber),
        telephonenumber: starred(account.phone),
      }),
    as_text: () => JSON.stringify({ userobj: JSON.stringify(userobj), user_creditable_level: JSON.stringify(credit) }),
    info_busy: () => JSON.stringify({ errcode: '-1', errmsg: '系统繁忙' }),
    info_refused: () => JSON.stringify({ errcode: 'invalid_token', errmsg: 'access_token无效' }),
  };
  return fault === null ? answer({}) : changed[fault]();
}
