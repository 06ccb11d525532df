import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { faults as lineFaults } from '../../simulators/lib/faults.ts';
import { twFidoFaults } from '../../simulators/tw-fido/faults.ts';
import { twFidoUpstream } from '../../simulators/tw-fido/service.ts';
import { upstreamFacts } from '../../src/assurance/upstream-facts.ts';
import type { Bridge, BridgeResult, BridgeStart } from '../../src/bridges/bridge.ts';
import { twFido } from '../../src/bridges/tw-fido/index.ts';
import { createUpstream } from '../../src/lib/upstream.ts';
import { type ServedUpstream, serveUpstream } from './upstream-support.ts';

let served: ServedUpstream;
beforeAll(async () => {
  served = await serveUpstream(twFidoUpstream);
});
afterAll(() => served.close());
const quick = { pollMs: 0 };
afterEach(async () => {
  await served.control({ fault: 'none', ...quick });
  await served.person('lin-yi-chun', {});
});
beforeAll(() => served.control({ fault: 'none', ...quick }));

const bridge = (more: Record<string, string> = {}, clock = () => new Date()) =>
  twFido.open(
    { ...served.settings(), ...more },
    { upstream: createUpstream('tw-fido', { breakAfter: 1_000 }), allowLoopback: true, timeoutMs: 800, clock },
  );
const lin = 'A123456789';
const request: BridgeStart = {
  redirectUri: 'http://localhost:1/bridge/tw-fido/callback',
  state: 'a'.repeat(32),
  level: null,
  locale: 'zh-Hant',
  fresh: false,
  sameDevice: false,
  input: { number: lin },
};

/** The wait before the person acts; fails when there is none. */
async function begin(own: Bridge, more: Partial<BridgeStart> = {}) {
  const started = await own.start({ ...request, ...more });
  if (started.outcome !== 'waiting') throw new Error(`not waiting: ${JSON.stringify(started)}`);
  const poll = async () => (await own.poll?.(structuredClone(started.keep))) ?? { outcome: 'none' as const };
  return { ...started, poll };
}

/** What the person does in the app, which stands behind the code or the link. */
const act = (address: string | null, person = 'lin-yi-chun') =>
  fetch(address ?? '', { method: 'POST', body: new URLSearchParams({ person }), redirect: 'manual' });

async function told(own = bridge(), more: Partial<BridgeStart> = {}, person?: string) {
  const { waiting, poll } = await begin(own, more);
  await act(waiting.qr ?? waiting.link, person);
  return poll();
}
const identity = (result: Awaited<ReturnType<typeof told>>) =>
  result.outcome === 'identified' ? result.identity : null;

describe('a sign-in there', () => {
  it('waits for the person, then says who it is: by the number we asked for and the name of the certificate', async () => {
    const { waiting, poll } = await begin(bridge());
    expect(waiting.every).toBeGreaterThanOrEqual(4);
    expect(waiting.until.getTime()).toBeGreaterThan(Date.now());
    expect(await poll()).toEqual({ outcome: 'pending' });
    expect(await (await fetch(waiting.qr ?? '')).text()).toContain('登入市民帳號');
    expect((await act(waiting.qr)).status).toBe(200);
    const result = await poll();
    expect(identity(result)).toMatchObject({
      subjects: [{ part: 'id_num', of: ['SVC0001', lin] }],
      level: 'moica',
      methods: ['hwk', 'mfa'],
      claims: { name: '林宜君', documentType: 'tw_national_id', documentNumber: lin, category: 'taiwan' },
    });
    const found = identity(result);
    if (!found) return;
    const facts = upstreamFacts(twFido.traits, null, found, new Date());
    expect(facts.evidence).toMatchObject({ strength: 'superior', category: 'taiwan' });
    expect(facts.evidence?.confirmed).toEqual(['name', 'document_number']);
    expect(facts.event).toMatchObject({ userVerified: true, deviceBound: true });
  });
  it('on the same device a link opens the app, which leads back to where the person waits', async () => {
    const { waiting, poll } = await begin(bridge(), { sameDevice: true });
    expect(waiting.qr).toBeNull();
    const back = await act(waiting.link);
    expect(back.status).toBe(303);
    expect(back.headers.get('location')).toBe(`${request.redirectUri}?state=${request.state}`);
    expect((await poll()).outcome).toBe('identified');
  });
  it('the app’s own address: on another device there is a code and no link', async () => {
    const own = bridge({ appUrl: 'mobilemoica://moica.moi.gov.tw/a2a/verifySign' });
    const { waiting } = await begin(own);
    expect(waiting.link).toBeNull();
    expect(waiting.qr).toMatch(/^mobilemoica:\/\/moica\.moi\.gov\.tw\/a2a\/verifySign\?sp_ticket=[\w-]+\.[\w-]+$/);
    const same = await begin(own, { sameDevice: true });
    const query = new URL(same.waiting.link ?? '').searchParams;
    expect(Buffer.from(query.get('rtn_url') ?? '', 'base64url').toString()).toContain(request.redirectUri);
    expect(same.waiting.link).not.toContain(lin);
  });
  it('nothing comes from an address that a browser brings', async () => {
    const { keep } = await begin(bridge());
    for (const query of ['', '?state=a&code=b', '?error=access_denied'])
      expect(await bridge().finish(new URL(request.redirectUri + query), keep)).toMatchObject({
        outcome: 'refused',
        reason: 'answer_invalid',
      });
  });
  it('another process can ask, too; what was told once is not told again', async () => {
    const { waiting, keep } = await begin(bridge());
    await act(waiting.qr);
    expect((await bridge().poll?.(keep))?.outcome).toBe('identified');
    expect(await bridge().poll?.(keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
  });
  it('in parallel: one of many', async () => {
    const { waiting, poll } = await begin(bridge());
    await act(waiting.qr);
    const all = await Promise.all(Array.from({ length: 8 }, poll));
    expect(all.filter(({ outcome }) => outcome === 'identified')).toHaveLength(1);
  });
  it('asked too soon, it is not done yet', async () => {
    await served.control({ fault: 'none', pollMs: 4000 });
    const { waiting, poll } = await begin(bridge());
    expect(await poll()).toEqual({ outcome: 'pending' });
    await act(waiting.qr);
    expect(await poll()).toEqual({ outcome: 'pending' });
    await served.control({ fault: 'none', ...quick });
    expect((await poll()).outcome).toBe('identified');
  });
  it('D12: one name for ever, whichever certificate', async () => {
    const first = identity(await told())?.subjects;
    expect(identity(await told())?.subjects).toEqual(first);
    const other = identity(await told(bridge(), { input: { number: 'F131104093' } }, 'wu-ming-de'));
    expect(other?.claims.name).toBe('吳明德');
    expect(other?.subjects).not.toEqual(first);
  });
});

describe('the person or the service says no', () => {
  it('declined, and nobody else can answer for them', async () => {
    expect(await told(bridge(), {}, '')).toMatchObject({ outcome: 'refused', reason: 'cancelled' });
    const { waiting, poll } = await begin(bridge());
    expect((await act(waiting.qr, 'wu-ming-de')).status).toBe(403);
    expect(await poll()).toEqual({ outcome: 'pending' });
  });
  it('no app under this number, or closed: before and during', async () => {
    const none = await bridge().start({ ...request, input: { number: 'B220567126' } });
    expect(none).toMatchObject({ outcome: 'refused', reason: 'denied' });
    const { waiting, poll } = await begin(bridge());
    await served.person('lin-yi-chun', { disabled: true });
    expect((await act(waiting.qr)).status).toBe(403);
    expect(await poll()).toEqual({ outcome: 'pending' });
    expect(await bridge().start(request)).toMatchObject({ outcome: 'refused', reason: 'denied' });
  });
  it('a certificate that was revoked, from one list to the next', async () => {
    const clock = { now: Date.now() };
    const own = bridge({}, () => new Date(clock.now));
    expect((await told(own)).outcome).toBe('identified');
    await served.person('lin-yi-chun', { revoked: true });
    expect(await told()).toMatchObject({
      outcome: 'refused',
      reason: 'denied',
      cause: new Error('certificate is revoked'),
    });
    // The list that is in memory serves an hour.
    expect((await told(own)).outcome).toBe('identified');
    clock.now += 3_600_001;
    expect(await told(own)).toMatchObject({ outcome: 'refused', reason: 'denied' });
    await served.person('lin-yi-chun', {});
    expect((await told()).outcome).toBe('identified');
  });
  it('a list that can not be renewed serves until its own end', async () => {
    const clock = { now: Date.now() };
    const own = bridge({}, () => new Date(clock.now));
    expect((await told(own)).outcome).toBe('identified');
    await served.control({ fault: 'list_gone', ...quick });
    clock.now += 3_600_001;
    expect((await told(own)).outcome).toBe('identified');
    clock.now += 2 * 24 * 3_600_000;
    expect(await own.start(request)).toMatchObject({ outcome: 'unavailable' });
  });
  it('our own key or name is wrong', async () => {
    expect(await bridge({ aesKey: '22'.repeat(32) }).start(request)).toMatchObject({ reason: 'denied' });
    expect(await bridge({ spServiceId: 'SVC9' }).start(request)).toMatchObject({ reason: 'denied' });
  });
  it('without revocation lists only where that was said', async () => {
    await served.person('lin-yi-chun', { revoked: true });
    expect((await told(bridge({ revocation: 'off', crlUrls: '' }))).outcome).toBe('identified');
    expect(() => bridge({ crlUrls: '' })).toThrow();
  });
});

/** Each fault that the simulator can play, when it shows, and what has to come of it. */
const invalid = (why: string | RegExp) => ({ outcome: 'refused', reason: 'answer_invalid', why });
const refused = (reason: string, code: string) => ({ outcome: 'refused', reason, why: `code ${code}` });
const unavailable = (why: string) => ({ outcome: 'unavailable', why });
const [ticket, result] = ['SP-API-ATH-01-', 'SP-API-ATH-02-'];
interface Expected {
  readonly outcome: string;
  readonly reason?: string;
  readonly why?: string | RegExp;
}
const table: Readonly<Record<(typeof twFidoFaults)[number], Expected>> = {
  ticket_service_unknown: refused('denied', `${ticket}SPSVCID_NF`),
  ticket_checksum: refused('denied', `${ticket}INV_SP_CHECKSUM`),
  ticket_no_app: refused('denied', `${ticket}IDNUM_USERPROF_NF`),
  ticket_number_form: refused('denied', `${ticket}PM_IDN_FT_ERR`),
  ticket_time: refused('denied', `${ticket}SPTKT_TIME_ORV`),
  ticket_length: refused('denied', `${ticket}SIGNDATA_LEN_LIMIT`),
  ticket_log: unavailable(`code ${ticket}TXNLOG_INS_ERR`),
  ticket_code_missing: { outcome: 'unavailable' },
  result_overdue: refused('expired', `${result}SPTKT_OVD`),
  result_redeemed: refused('expired', `${result}SPTKTID_SPTKT_RDM`),
  result_cancelled: refused('cancelled', 'APP_USER_CANCEL'),
  result_sign_failure: refused('denied', 'APP_SIGN_FAILURE'),
  result_new_code: refused('denied', `${result}SOMETHING_NEW`),
  result_code_missing: { outcome: 'unavailable' },
  pending_20002: { outcome: 'pending' },
  pending_20003: { outcome: 'pending' },
  pending_not_logged: { outcome: 'pending' },
  ticket_digest: invalid('ticket of another transaction'),
  ticket_of_another: invalid('ticket of another transaction'),
  ticket_operation: invalid('ticket of another transaction'),
  ticket_no_json: invalid('ticket of another transaction'),
  ticket_names_twice: invalid('ticket of another transaction'),
  ticket_missing: invalid('ticket of another shape'),
  ticket_third_part: invalid('ticket of another transaction'),
  ticket_idp_checksum: invalid('idp_checksum'),
  number_of_another: invalid('number of somebody else'),
  number_upper_case: invalid('number of somebody else'),
  number_missing: invalid('result of another shape'),
  signature_of_other_data: invalid('signature'),
  signature_of_other_key: invalid('signature'),
  signature_replayed: invalid('signature'),
  signature_sha1: invalid('signature'),
  signature_changed: invalid('signature'),
  signature_missing: invalid('result of another shape'),
  certificate_missing: invalid('result of another shape'),
  certificate_garbage: invalid('no certificate'),
  certificate_and_more: invalid('more than a certificate'),
  result_idp_checksum: invalid('idp_checksum'),
  result_checksum_missing: invalid('idp_checksum'),
  result_checksum_of_another_key: invalid('idp_checksum'),
  certificate_of_another: invalid('certificate of somebody else'),
  certificate_self_signed: invalid('not below the roots'),
  certificate_of_other_root: invalid('not below the roots'),
  certificate_by_citizen: invalid('not below the roots'),
  certificate_expired: invalid('out of its time'),
  certificate_not_yet: invalid('out of its time'),
  certificate_authority: invalid(/another use|authority/),
  certificate_encipher: invalid('key is for another use'),
  certificate_critical: invalid('a critical extension that is not understood'),
  certificate_short_key: invalid('key is too short'),
  certificate_elliptic: invalid('not an RSA key'),
  // The number is proved, the name is not told.
  certificate_nameless: { outcome: 'identified' },
  list_old: unavailable('list is too old'),
  list_future: unavailable('list is of the future'),
  list_of_other_key: unavailable('no list of this authority'),
  list_of_other_authority: unavailable('no list of this authority'),
  list_garbage: unavailable('no revocation list'),
  list_partial: unavailable('list is of other certificates'),
  list_changes: unavailable('list has a critical extension that is not understood'),
  list_gone: unavailable('answered 404'),
};

describe('D09: each fault there, for what it is', () => {
  /** Begins, acts, asks; the first that is an end is the result. */
  async function result(own: Bridge): Promise<BridgeResult | { outcome: 'pending' }> {
    const started = await own.start(request);
    if (started.outcome === 'unavailable' || started.outcome === 'refused') return started;
    if (started.outcome !== 'waiting') throw new Error('sent away');
    await act(started.waiting.qr);
    const told = await own.poll?.(started.keep);
    if (told === undefined) throw new Error('can not be asked');
    return told;
  }
  it('all that the simulator can play are in the table', () => {
    expect(Object.keys(table).toSorted()).toEqual([...twFidoFaults].toSorted());
  });
  it.each(Object.entries(table))('%s', async (fault, { why, ...expected }) => {
    if (fault === 'signature_replayed') expect((await told()).outcome).toBe('identified');
    await served.control({ fault, ...quick });
    const found = await result(bridge());
    expect(found).toMatchObject(expected);
    const cause = 'cause' in found && found.cause instanceof Error ? found.cause.message : '';
    if (why !== undefined) expect(cause).toMatch(typeof why === 'string' ? new RegExp(`^${why}$`) : why);
    expect(`${cause} ${JSON.stringify('cause' in found ? found.cause : '')}`).not.toMatch(/A123456789|林宜君|1111/);
    if (found.outcome === 'identified') expect(found.identity.claims.name).toBeUndefined();
  });
  it('with checksums that do not count, the signature still does', async () => {
    const own = bridge({ idpChecksum: 'ignored' });
    for (const fault of ['result_idp_checksum', 'result_checksum_missing', 'ticket_idp_checksum']) {
      await served.control({ fault, ...quick });
      expect((await result(own)).outcome).toBe('identified');
    }
    await served.control({ fault: 'signature_of_other_data', ...quick });
    expect(await result(own)).toMatchObject({ outcome: 'refused', reason: 'answer_invalid' });
  });
  it('a root of somebody else is none of ours, and an issuer alone is no root', async () => {
    const strange = await serveUpstream(twFidoUpstream);
    const { roots = '', authorities = '' } = strange.settings();
    strange.close();
    expect(await result(bridge({ roots, authorities }))).toMatchObject({ reason: 'answer_invalid' });
    expect(await result(bridge({ authorities: '' }))).toMatchObject({ reason: 'answer_invalid' });
  });
});

describe('the line fails', () => {
  it.each(lineFaults.filter((fault) => !['none', 'slow', 'wrong'].includes(fault)))(
    '%s: unavailable, at the start and while waiting',
    async (fault) => {
      const { waiting, poll } = await begin(bridge());
      await act(waiting.qr);
      await served.control({ fault, ...quick });
      expect(await bridge().start(request)).toMatchObject({ outcome: 'unavailable' });
      expect(await poll()).toMatchObject({ outcome: 'unavailable' });
      await served.control({ fault: 'none', ...quick });
      expect((await poll()).outcome).toBe('identified');
    },
  );
  it('slow but in time is fine', async () => {
    await served.control({ fault: 'slow', delayMs: 50, ...quick });
    expect((await told()).outcome).toBe('identified');
  });
});

it('certificates are taken from forms that lose line breaks, several in one', async () => {
  const { roots = '', authorities = '' } = served.settings();
  const own = bridge({
    roots: (roots + authorities).replaceAll('\n', ''),
    authorities: authorities.replaceAll('\n', ' '),
  });
  expect((await told(own)).outcome).toBe('identified');
});

it('settings: the key is a secret; half of them, and files that are none, open nothing', () => {
  expect(twFido.secrets).toEqual(['aesKey']);
  expect(twFido.traits.asks).toEqual([{ name: 'number', type: 'tw_national_id' }]);
  expect(Object.keys(served.settings()).toSorted()).toEqual(Object.keys(twFido.settings.shape).toSorted());
  const wrong: Record<string, string>[] = [
    { baseUrl: '' },
    { spServiceId: '' },
    { aesKey: '11' },
    { roots: '' },
    { roots: 'certificate' },
    { authorities: 'certificate' },
    { crlUrls: 'nowhere' },
    { appUrl: 'javascript://x' },
    { appUrl: 'app' },
    { hint: '' },
    { revocation: 'later' },
  ];
  for (const each of wrong) expect(() => bridge(each), JSON.stringify(each)).toThrow();
});
