import type { Account, App, Change } from './accounts.ts';
import type { AlipayFault } from './faults.ts';

type Inner = Readonly<Record<string, unknown>>;

/** Whom an answer names, by the rule that the app is under. */
export function namesFor(account: Account, app: App, fault: AlipayFault | null): Inner {
  const [userId, openId] = [account.userId, account.openId(app.appId)];
  switch (fault) {
    case 'open_id_only':
      return { open_id: openId };
    case 'both_names':
    case 'other_open_id':
      return { user_id: userId, open_id: openId };
    case 'empty_open_id':
      return { user_id: userId, open_id: '' };
    case 'names_missing':
      return {};
    case 'name_blank':
      return { user_id: ' ' };
    case 'name_of_other_shape':
      return { user_id: userId.replace(/^2088/, '1088') };
    default:
      return app.names === 'user_id' ? { user_id: userId } : { open_id: openId };
  }
}

/** The answer of `alipay.user.info.share`, as the fault that is on would have it. */
export function profileAnswer(parts: {
  readonly app: App;
  readonly account: Account;
  readonly other: Account;
  readonly change: Change;
  readonly fault: AlipayFault | null;
}): Inner {
  const { app, account, other, change, fault } = parts;
  const named = namesFor(fault === 'other_person' ? other : account, app, fault);
  const names = fault === 'other_open_id' ? { ...named, open_id: other.openId(app.appId) } : named;
  const profile = account.profile(change, fault !== 'no_permission');
  const whole = { code: '10000', msg: 'Success', ...names, ...profile };
  switch (fault) {
    case 'code_missing': {
      const { code: _, ...rest } = whole;
      return rest;
    }
    case 'code_as_number':
      return { ...whole, code: 10_000 };
    case 'bare_profile': {
      const { nick_name: _, avatar: __, ...rest } = { nick_name: '', avatar: '', ...whole };
      return rest;
    }
    case 'uncertified_with_number':
      return { ...whole, is_certified: 'F' };
    case 'masked_number':
      return { ...whole, cert_no: '4****************9' };
    case 'masked_name':
      return { ...whole, user_name: '*晓明' };
    default:
      return whole;
  }
}
