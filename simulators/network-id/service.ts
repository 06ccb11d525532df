import { verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Router from '@koa/router';
import type { Context } from 'koa';
import { faultControl } from '../lib/fault-control.ts';
import { escapeHtml, fieldsOf, page, readJson, text } from '../lib/http.ts';
import type { UpstreamFactory } from '../lib/upstream.ts';
import {
  enveloped,
  informationOf,
  isNo,
  type Keys,
  type No,
  noes,
  type Package,
  type PlatformFault,
  platformFaults,
  spoilt,
} from './answers.ts';
import { appNetIdOf, type Holder, holdersOf } from './holders.ts';
import { appFaults, appRoutes } from './page.ts';
import { ticketStore } from './tickets.ts';

const keys: Keys = JSON.parse(readFileSync(new URL('./demo-keys.json', import.meta.url), 'utf8'));
const prefix = '/network-id';
const title = '国家网络身份认证（网号、网证，模拟）';
const party = { orgCode: '00000023', appId: '0001', appName: '市民' } as const;

/** Password and face that each mode needs, and what its result looks like. */
const modes: Readonly<Record<string, { password: boolean; face: boolean; result: string }>> = {
  R01: { password: false, face: false, result: '0XXX' },
  R02: { password: true, face: false, result: '00XX' },
  R03: { password: false, face: true, result: '0X0X' },
  R04: { password: true, face: true, result: '000X' },
};

/** The national platform; docs/bridges/network-id.md has its protocol. */
export const networkIdUpstream: UpstreamFactory = ({ origin, people, returnHosts }) => {
  const originals = holdersOf(people);
  const holders = new Map(originals.map((holder) => [holder.id, holder]));
  const tickets = ticketStore();
  const used = new Set<string>();
  const router = new Router({ prefix });
  const control = faultControl([...platformFaults, ...appFaults]);
  let rotated = false;

  router.get('/', (ctx) => {
    ctx.type = 'html';
    ctx.body = page(title, listing([...holders.values()]));
  });
  router.get('/_control', (ctx) => {
    ctx.body = { ...control.line.state, fault: control.name(), holders: [...holders.values()] };
  });
  router.put('/_control', async (ctx) => {
    const good = control.set(await readJson(ctx));
    answer(ctx, good ? 200 : 400, good ? { fault: control.name() } : { error: 'invalid' });
  });
  // The next key signs from now on.
  router.post('/_control/rotate', (ctx) => {
    rotated = !rotated;
    answer(ctx, 200, { rotated });
  });
  // {"standing": "cancelled"}; an empty object undoes it.
  router.put('/_control/people/:id', async (ctx) => {
    const original = originals.find(({ id }) => id === ctx.params.id);
    const { standing } = fieldsOf(await readJson(ctx));
    if (!original) return answer(ctx, 404, { error: 'not_found' });
    const holder = { ...original, standing: standing === 'cancelled' ? ('cancelled' as const) : original.standing };
    holders.set(original.id, holder);
    answer(ctx, 200, holder);
  });

  appRoutes(router, {
    orgCode: party.orgCode,
    holders: originals,
    tickets,
    returnHosts,
    take: () => control.take(...appFaults),
  });
  router.use(control.line.middleware((ctx) => ctx.path === `${prefix}/userInfoCheck`));

  router.post('/userInfoCheck', async (ctx) => {
    const sent = fieldsOf(await readJson(ctx));
    const bizPackage = text(sent.bizPackage);
    const given = parsed(bizPackage);
    const fault = control.take(...platformFaults);
    const signature = Buffer.from(text(sent.sign), 'base64');
    const ours = verify('sha256', Buffer.from(bizPackage), keys.party.public, signature);
    const echo = { orgCode: text(given.orgCode), appId: text(given.appId), bizSeq: text(given.bizSeq) };
    const checked = ours ? await checkedFor(given, fault) : 'sign_wrong';
    const told: Package =
      typeof checked === 'string'
        ? { ...echo, resultCode: noes[checked], resultDesc: checked }
        : spoilt({ ...echo, resultCode: 'C0000000', resultDesc: '认证成功', ...checked }, fault);
    answer(ctx, 200, enveloped(told, rotated ? keys.platformNext : keys.platform, keys.stranger, fault));
  });

  async function checkedFor(given: Package, fault: PlatformFault | null): Promise<Package | No> {
    const [bizSeq, authMode] = [text(given.bizSeq), text(given.authMode)];
    const mode = Object.hasOwn(modes, authMode) ? modes[authMode] : undefined;
    if (given.orgCode !== party.orgCode || given.appId !== party.appId) return 'org_unknown';
    const now = typeof given.timeStamp === 'number' && Math.abs(given.timeStamp - Date.now()) < 300_000;
    const [password, face] = [text(given.certPwdData), text(given.photoEncData)];
    // A mode has what it needs and nothing more.
    const whole = mode && mode.password === (password !== '') && mode.face === (face !== '');
    if (!mode || !whole || !now || !/^[A-Za-z0-9]{32}$/.test(bizSeq) || text(given.appName) === '') return 'form_wrong';
    if (isNo(fault)) return fault;
    const credential = tickets.take(text(given.idCardAuthData), 'credential', bizSeq);
    const holder = credential && holders.get(credential.person);
    if (!credential || !holder) return 'token_gone';
    if (used.has(bizSeq)) return 'seq_repeated';
    used.add(bizSeq);
    if (holder.standing !== 'good') return 'credential_cancelled';
    const of = (handle: string, kind: 'password' | 'face') => tickets.take(handle, kind, bizSeq);
    if (mode.password && of(password, 'password')?.right !== true) return 'password_wrong';
    if (mode.face && of(face, 'face')?.right !== true) return 'face_mismatch';
    const tells = (text(given.infoScope) !== '' && credential.consents) || fault === 'info_unasked';
    return {
      authMode,
      authResult: mode.result,
      authTime: Date.now(),
      appNetId: appNetIdOf(holder.id, party.orgCode),
      ...(tells ? { userInfo: await informationOf(holder, bizSeq, keys, fault) } : {}),
    };
  }

  const settings = () => ({
    appUrl: `${origin()}${prefix}/app`,
    serverUrl: `${origin()}${prefix}/userInfoCheck`,
    ...party,
    signKey: keys.party.private,
    infoKey: keys.information.private,
    platformKeys: keys.platform.public + keys.platformNext.public,
  });
  return { id: 'network-id', title, path: prefix, router, fault: control.name, settings };
};

const listing = (holders: readonly Holder[]) =>
  `<h1>${title}</h1><p>What becomes of a credential: <code>PUT ${prefix}/_control/people/ID {"standing": "cancelled"}</code></p>
<table><thead><tr><th>ID</th><th>Name</th><th>Standing</th></tr></thead><tbody>${holders
    .map(({ id, name, standing }) => [id, name, standing])
    .map((cells) => `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`)
    .join('')}</tbody></table>`;

function parsed(body: string): Package {
  try {
    return fieldsOf(JSON.parse(body));
  } catch {
    return {};
  }
}

function answer(ctx: Context, status: number, body: object): void {
  ctx.status = status;
  ctx.body = body;
}
