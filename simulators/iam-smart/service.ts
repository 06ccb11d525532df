import { randomBytes } from 'node:crypto';
import Router from '@koa/router';
import type { Context } from 'koa';
import { faultControl } from '../lib/fault-control.ts';
import { escapeHtml, fieldsOf, page, readBody, readJson, text } from '../lib/http.ts';
import type { UpstreamFactory } from '../lib/upstream.ts';
import { type Account, accountsOf, openIdOf } from './accounts.ts';
import { hex32, profileContent, tokenContent } from './answers.ts';
import { callCheck, startFault } from './calls.ts';
import {
  type CodeFault,
  codeFaultNames,
  codeFaults,
  contentFaults,
  iamSmartFaults,
  keyFaults,
  profileFaults,
  returnFaults,
  tokenFaults,
} from './faults.ts';
import { demoKeys, open, spoilt, toOwner } from './wire.ts';

const prefix = '/iam-smart';
const api = '/api/v1';
const title = '智方便（模擬） iAM Smart';
const client = { id: 'edae2e2529ff46228af1e4d18c8405d1', secret: 'demo-iam-smart-secret' } as const;

const codeLifetimeMs = 30_000;
const tokenLifetimeMs = 14_400_000;
const keyLifetimeMs = 1_800_000;

interface Code {
  readonly account: Account;
  readonly scope: string;
  readonly at: number;
  used: boolean;
}

/** iAM Smart as its e-services see it (reference 4): camelCase, HMAC over the very body, contents under AES-GCM, errors in HTTP 200. */
export const iamSmartUpstream: UpstreamFactory = ({ origin, people, returnHosts }) => {
  const router = new Router({ prefix });
  const control = faultControl(iamSmartFaults);
  const check = callCheck(client);
  const original = accountsOf(people);
  const accounts = new Map(original.map((account) => [account.id, account]));
  const disabled = new Set<string>();
  const codes = new Map<string, Code>();
  const tokens = new Map<string, { code: Code; at: number }>();
  let contentKey: { bytes: Buffer; until: number } | null = null;

  router.get('/_control', (ctx) => {
    ctx.body = { fault: control.name(), faults: iamSmartFaults, people: [...accounts.values()] };
  });
  router.put('/_control', async (ctx) => {
    ctx.status = control.set(await readJson(ctx)) ? 200 : 400;
    ctx.body = { fault: control.name() };
  });
  // The gateway forgets its content key, as after its own restart.
  router.post('/_control/forget-key', (ctx) => {
    contentKey = null;
    ctx.body = {};
  });
  // {"disabled"?, "userType"?: "sign" | "auth"}; an empty object undoes it.
  router.put('/_control/people/:id', async (ctx) => {
    const account = original.find(({ id }) => id === ctx.params.id);
    if (!account) {
      ctx.status = 404;
      return;
    }
    const fields = fieldsOf(await readJson(ctx));
    const userType = (['sign', 'auth'] as const).find((known) => known === fields.userType) ?? account.userType;
    accounts.set(account.id, { ...account, userType });
    if (fields.disabled === true) disabled.add(account.id);
    else disabled.delete(account.id);
    ctx.body = { id: account.id, userType, disabled: disabled.has(account.id) };
  });

  router.use(control.line.middleware((ctx) => !ctx.path.startsWith(`${prefix}/_control`)));

  router.get(`${api}/auth/getQR`, (ctx) => {
    const wrong = startFault(queryOf(ctx), client.id, returnHosts);
    ctx.type = 'html';
    ctx.status = wrong === null ? 200 : 400;
    const shown = wrong === null ? signInPage(ctx) : `<h1>${title}</h1><p>${escapeHtml(wrong.join(': '))}</p>`;
    ctx.body = page(title, shown, 'zh-Hant');
  });

  router.post(`${api}/auth/getQR`, async (ctx) => {
    const query = queryOf(ctx);
    const wrong = startFault(query, client.id, returnHosts);
    if (wrong !== null) return envelope(ctx, ...wrong);
    const chosen = new URLSearchParams((await readBody(ctx)) ?? '').get('person');
    const account = accounts.get(chosen ?? '');
    const back = new URL(query('redirectURI'));
    back.searchParams.set('state', query('state'));
    // Whoever declines comes back with the state alone.
    if (account && disabled.has(account.id)) back.searchParams.set('error_code', 'D40002');
    else if (account) back.searchParams.set('code', newCode(account, query('scope')));
    spoilWayBack(back);
    ctx.status = 303;
    ctx.redirect(back.href);
  });

  router.post(`${api}/security/getKey`, async (ctx) => {
    const refused = check(ctx, (await readBody(ctx)) ?? '') ?? told('getKey');
    if (refused) return envelope(ctx, ...refused);
    if (contentKey === null || Date.now() > contentKey.until)
      contentKey = { bytes: randomBytes(32), until: Date.now() + keyLifetimeMs };
    const { bytes, until } = contentKey;
    const fault = control.take(...keyFaults);
    const good = toOwner(fault === 'key_short' ? bytes.subarray(16) : bytes, demoKeys.kek.public);
    const secretKey = {
      key_of_another: toOwner(bytes, demoKeys.stranger.public),
      key_missing: undefined,
      key_plus_garbage: good.replace(/^..../, 'AAAA'),
    };
    const expiresIn = { key_brief: 1, key_absolute: until };
    envelope(ctx, 'D00000', 'SUCCESS', {
      secretKey: fault !== null && fault in secretKey ? Reflect.get(secretKey, fault) : good,
      pubKey: demoKeys.kek.public,
      issueAt: Date.now(),
      expiresIn: fault !== null && fault in expiresIn ? Reflect.get(expiresIn, fault) : until - Date.now(),
    });
  });

  encrypted('/auth/getToken', 'getToken', (fields) => {
    if (text(fields.grantType) !== 'authorization_code') return ['D20003', 'invalid parameter {grantType}'];
    const code = codes.get(text(fields.code));
    const good = code && !code.used && Date.now() - code.at < codeLifetimeMs;
    // Whoever tries a code that is not theirs spends it.
    if (code) code.used = true;
    if (!good || disabled.has(code.account.id)) return ['D40004', 'authCode not exist or expired'];
    const accessToken = hex32();
    tokens.set(accessToken, { code, at: Date.now() });
    const { account, scope } = code;
    const openID = openIdOf(account.id, client.id);
    const userType = accounts.get(account.id)?.userType ?? account.userType;
    return tokenContent({ accessToken, openID, userType, scope }, control.take(...tokenFaults));
  });

  encrypted('/account/auth/profile/initiateRequest', 'profile', (fields) => {
    const found = tokens.get(text(fields.accessToken));
    if (!found || Date.now() - found.at > tokenLifetimeMs) return ['D20009', 'accessToken not exist or expired'];
    const { account, scope } = found.code;
    const openID = openIdOf(account.id, client.id);
    if (![openID, encodeURIComponent(openID)].includes(text(fields.openID)) || disabled.has(account.id))
      return ['D20010', 'openID not exist'];
    if (!scope.split(' ').includes('eidapi_profiles')) return ['D20015', 'scope mismatch'];
    const wanted = fields.profileFields;
    if (!Array.isArray(wanted) || wanted.length === 0) return ['D20001', 'parameter {profileFields} is missing'];
    return profileContent(account, encodeURIComponent(openID), wanted.map(String), control.take(...profileFaults));
  });

  /** A call whose body is encrypted, both ways. */
  function encrypted(
    path: string,
    name: 'getToken' | 'profile',
    work: (fields: Readonly<Record<string, unknown>>) => object | readonly [string, string],
  ): void {
    router.post(api + path, async (ctx) => {
      const body = (await readBody(ctx)) ?? '';
      const refused = check(ctx, body) ?? told(name);
      if (refused) return envelope(ctx, ...refused);
      if (contentKey === null || Date.now() > contentKey.until)
        return envelope(ctx, 'D30002', 'content encryption key not exist or expired');
      const key = contentKey.bytes;
      const plain = open(key, text(fieldsOf(parsed(body)).content));
      if (plain === null) return envelope(ctx, 'D30004', 'decryption exception');
      const worked = work(fieldsOf(parsed(plain)));
      if (isRefusal(worked)) return envelope(ctx, ...worked);
      const message = control.name() === 'msg_for_message' ? 'msg' : 'message';
      envelope(ctx, 'D00000', 'SUCCESS', spoilt(key, worked, control.take(...contentFaults)), message);
    });
  }

  /** What this call is told to answer. */
  function told(call: 'getKey' | 'getToken' | 'profile'): readonly [string, string] | null {
    const mine = codeFaultNames.filter((name) => codeFaults[name][0] === call);
    const fault: CodeFault | null = control.take(...mine);
    return fault === null ? null : [codeFaults[fault][1], 'as told'];
  }

  function newCode(account: Account, scope: string): string {
    const code = hex32();
    codes.set(code, { account, scope, at: Date.now(), used: false });
    return code;
  }

  function spoilWayBack({ searchParams }: URL): void {
    const changes: Readonly<Record<(typeof returnFaults)[number], () => void>> = {
      state_missing: () => searchParams.delete('state'),
      state_other: () => searchParams.set('state', 'e'.repeat(32)),
      state_twice: () => searchParams.append('state', 'e'.repeat(32)),
      code_gone: () => searchParams.delete('code'),
      code_twice: () => searchParams.append('code', hex32()),
      code_short: () => searchParams.set('code', hex32().slice(1)),
      code_and_error: () => searchParams.set('error_code', 'D40000'),
      error_other: () => swap('D20012'),
      authentication_failed: () => swap('D40002'),
      authentication_timeout: () => swap('D40003'),
      authentication_rejected: () => swap('D40001'),
    };
    const swap = (code: string) => {
      searchParams.delete('code');
      searchParams.set('error_code', code);
    };
    const fault = control.take(...returnFaults);
    if (fault !== null) changes[fault]();
  }

  function signInPage(ctx: Context): string {
    const onPhone = queryOf(ctx)('source') !== 'PC_Browser';
    const how = onPhone
      ? '在此裝置開啟「智方便」。<br><span lang="en">The app opens on this device.</span>'
      : '請用手機上的「智方便」掃描二維碼。<br><span lang="en">Scan the code with iAM Smart.</span>';
    const buttons = [...accounts.values()].map(
      ({ id, name, latinName, userType }) =>
        `<button name="person" value="${escapeHtml(id)}"><strong>${escapeHtml(name || latinName)}</strong><br><small>${userType === 'sign' ? '智方便+' : '智方便'}</small></button>`,
    );
    return `<h1>${title}</h1><p>${how}</p><p>模擬：您是誰？將提供姓名、身份證號碼及出生日期。<br><span lang="en">Simulated: who are you? Names, HKIC number and date of birth will be given.</span></p>
<form method="post" action="${escapeHtml(ctx.url)}">${buttons.join('')}<button name="person" value="">拒絕 · Decline</button></form>`;
  }

  return {
    id: 'iam-smart',
    title,
    path: prefix,
    router,
    fault: control.name,
    settings: () => ({
      baseUrl: origin() + prefix,
      clientId: client.id,
      clientSecret: client.secret,
      kekPrivateKey: demoKeys.kek.private,
      keyPadding: 'pkcs1',
      signatureForm: 'encoded',
      basicUserType: 'auth',
    }),
  };
};

/** HTTP 200 whatever it says. */
function envelope(ctx: Context, code: string, message: string, content?: unknown, as = 'message'): void {
  ctx.status = 200;
  ctx.body = {
    txID: `T=${hex32()}`,
    ...(code === '' ? {} : { code }),
    [as]: message,
    ...(content === undefined ? {} : { content }),
  };
}

const isRefusal = (worked: object): worked is readonly [string, string] => Array.isArray(worked);

/** A parameter that is there exactly once. */
const queryOf = (ctx: Context) => (name: string) => text(ctx.query[name]);

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
