/** One set of finished values for every view, as its head comment says; hostile where a value comes from outside. */
export const hostile = '"><script>alert(1)</script>';
const at = new Date('2026-11-23T01:24:00Z');
const base = '/interaction/abcdefghij0123456789x';
const app = { name: 'Library', purpose: 'Borrow books and book a seat', backUrl: null };
const passkey = {
  ceremony: 'c1',
  options: { challenge: 'AAAA', rpId: 'localhost', user: { id: 'AAAA', name: hostile } },
};
const journey = { base, app };
const way = { minutes: 3, have: ['have.idCard', 'have.camera'], available: true, unavailableReason: null };
const activity = [
  { type: 'authentication.succeeded', at, app: 'Library', outcome: 'ok' },
  { type: 'never.heard', at, app: null, outcome: 'failed' },
  { type: 'person.viewed', at, app: null, outcome: 'ok', why: 'people.look_reason.data_error', what: null },
  { type: 'intervention.set', at, app: null, outcome: 'ok', why: 'people.reason.misuse', what: 'people.kind.blocked' },
];

const place = { id: 'p', names: { en: hostile }, places: { en: hostile }, open: true };
const bring = [{ category: 'foreign', documents: ['cn_foreign_pr_18', 'passport'] }];
const code = { code: 'AAAA AAAA', qrSvg: '<svg xmlns="http://www.w3.org/2000/svg"/>', expiresAt: at, looking: true };

const decisionRule = {
  line: hostile,
  details: [hostile],
  met: false,
  proofs: [{ id: 'p', what: hostile, from: hostile, at }],
  until: at,
  missing: hostile,
};
const decisionLevel = {
  id: 'l',
  name: hostile,
  held: false,
  through: hostile,
  since: at,
  until: at,
  identity: [
    {
      met: false,
      conditions: [hostile],
      rules: [decisionRule, { ...decisionRule, met: true, missing: null }],
      missing: hostile,
    },
  ],
  authentication: [decisionRule],
};

const stop = { kind: 'blocked', reason: 'misuse', at, until: null };
const asked = {
  kind: 'reprove',
  reason: 'identity_doubted',
  at,
  until: at,
  needs: ['prove'],
  raiseUrl: '/account/raise/2',
};
export const samples: Readonly<Record<string, readonly object[]>> = {
  error: [
    { code: 'internal', wayOn: null, minutes: null },
    { code: 'too_many_requests', wayOn: base, minutes: 1 },
  ],
  'journey/sign-in': [
    { ...journey, passkey },
    {
      ...journey,
      passkey,
      bridges: [
        { id: 'alipay', last: true, healthy: true, asks: false },
        { id: 'wechat', last: false, healthy: true, asks: false },
        { id: 'tw-fido', last: false, healthy: false, asks: true },
      ],
    },
    { ...journey, passkey, signedIn: true, reason: 'sign_in_again', canPassword: false, qr: true },
  ],
  'journey/qr': [
    {
      ...journey,
      qrSvg: '<svg xmlns="http://www.w3.org/2000/svg"/>',
      code: '1234 5678',
      address: 'localhost:3000/account/qr',
      seconds: 120,
    },
  ],
  'journey/qr-ended': [
    { ...journey, reason: 'expired' },
    { ...journey, reason: 'another_person' },
    { ...journey, reason: 'never_heard' },
  ],
  'account/qr-code': [{ notice: null }, { notice: 'gone' }, { notice: 'too_weak' }],
  'account/qr': [
    {
      ticket: 't',
      asking: hostile,
      level: { number: 2, name: 'real_name' },
      browser: hostile,
      place: '203.0.113.*',
      near: false,
      at,
      typed: null,
      errors: { code: 'qr.ask.code_wrong' },
    },
    { ticket: 't', asking: 'A', level: null, browser: null, place: '2001:db8:1::*', near: true, at, typed: '12345678' },
  ],
  'account/qr-done': [{ done: 'approved' }, { done: 'refused' }],
  'account/identities': [
    { linked: [], others: [], refused: null, ask: null, errors: {}, done: null },
    {
      linked: [{ id: 'i', bridge: 'alipay', linkedAt: at, lastUsedAt: at, off: true }],
      others: [
        { bridge: 'wechat', asks: [], healthy: true },
        { bridge: 'singpass', asks: [], healthy: false },
        { bridge: 'tw-fido', asks: [{ name: 'number', type: 'tw_national_id' }], healthy: true },
      ],
      refused: { bridge: 'macao', reason: 'expired' },
      ask: 'tw-fido',
      errors: { number: 'errors.number_invalid' },
      done: 'account.identities.done_linked',
    },
  ],
  'account/identity-waiting': [
    { bridge: 'tw-fido', link: 'mobilemoica://a', qr: '<svg xmlns="http://www.w3.org/2000/svg"/>', next: '/account' },
    { bridge: 'tw-fido', link: null, qr: null, next: '/account' },
  ],
  'journey/prove-check': [
    {
      ...journey,
      check: 'exit-entry',
      known: null,
      documents: ['cn_hm_travel_permit', 'cn_tw_travel_permit'],
      asks: [],
      codeTo: null,
      values: {},
    },
    {
      ...journey,
      check: 'unionpay',
      known: { type: 'cn_resident_id', masked: '••••1219' },
      documents: ['cn_resident_id'],
      asks: ['phone', 'bankCard'],
      codeTo: null,
      values: {},
    },
    {
      ...journey,
      check: 'unionpay',
      known: null,
      documents: ['cn_resident_id'],
      asks: ['phone', 'bankCard'],
      codeTo: '+86 •••• 8011',
      values: { documentType: hostile, name: hostile, number: hostile, region: 'HK', phone: hostile },
      errors: {
        number: 'errors.number_invalid',
        bankCard: 'errors.card_invalid',
        phone: 'errors.phone_invalid',
        code: 'errors.code_wrong',
      },
    },
  ],
  'journey/prove-tie': [
    { ...journey, asksAbout: '+86 •••• 0001' },
    { ...journey, asksAbout: null },
  ],
  'journey/prove-bridge': [{ ...journey, bridge: 'macao', asks: [], minutes: 3 }],
  'journey/bridge-input': [
    { ...journey, bridge: 'tw-fido', asks: [{ name: 'number', type: 'tw_national_id' }], minutes: 3 },
    {
      ...journey,
      bridge: 'tw-fido',
      asks: [{ name: 'number', type: 'tw_national_id' }],
      minutes: 3,
      errors: { number: 'errors.number_invalid' },
    },
  ],
  'journey/bridge-leave': [{ ...journey, bridge: 'singpass', url: 'http://localhost:1/singpass' }],
  'journey/bridge-wait': [
    {
      ...journey,
      bridge: 'tw-fido',
      link: 'mobilemoica://a',
      qr: '<svg xmlns="http://www.w3.org/2000/svg"/>',
      next: '/x',
    },
    { ...journey, bridge: 'tw-fido', link: null, qr: null, next: '/x' },
  ],
  'journey/bridge-new': [
    { ...journey, bridge: 'wechat', name: null },
    { ...journey, bridge: 'alipay', name: hostile },
  ],
  'journey/bridge-link': [
    { ...journey, bridge: 'wechat', name: null },
    { ...journey, bridge: 'alipay', name: hostile },
  ],
  'journey/bridge-refused': [
    { ...journey, bridge: 'iam-smart', reason: 'cancelled' },
    { ...journey, bridge: 'guangdong', reason: 'never_heard' },
  ],
  'journey/password': [
    { ...journey },
    { ...journey, values: { region: 'MO', phone: hostile }, errors: { password: 'errors.credentials_wrong' } },
  ],
  'journey/totp': [{ ...journey, app: { name: hostile, purpose: hostile, backUrl: null } }],
  'journey/recovery-code': [{ ...journey, errors: { code: 'errors.code_wrong' } }],
  'journey/register': [
    journey,
    { ...journey, values: { region: '', phone: '123' }, errors: { phone: 'errors.phone_invalid' } },
  ],
  'journey/register-code': [
    { ...journey, phoneMasked: '+86 138****0001', values: { region: '', phone: '+8613800000001' }, minutes: 10 },
  ],
  'journey/register-taken': [{ ...journey, phoneMasked: '+86 138****0001' }],
  'journey/register-authenticator': [
    { ...journey, passkey, bridge: null },
    { ...journey, passkey, bridge: 'network-id' },
  ],
  'journey/enrol-passkey': [{ ...journey, passkey }],
  'journey/added': [
    { ...journey, canContinue: true },
    { ...journey, canContinue: false },
  ],
  'journey/register-password': [
    { ...journey, username: '+8613800000001', errors: { password: 'errors.password_too_short' } },
  ],
  'journey/register-totp': [
    {
      ...journey,
      qrSvg: '<svg xmlns="http://www.w3.org/2000/svg"/>',
      secret: 'ABCD EFGH IJKL MNOP',
      uri: 'otpauth://totp/Shimin:x?secret=A',
    },
  ],
  'journey/recovery-codes': [
    { ...journey, codes: ['AB12-CD34-EF56', 'GH12-JK34-MN56', 'PQ12-RS34-TU56', 'VW12-XY34-ZA56'] },
  ],
  'journey/choose': [
    {
      ...journey,
      half: null,
      level: { number: 3, name: 'real_person' },
      why: ['app_minimum', 'needs_identity'],
      missing: ['missing_population', 'missing_face'],
      shown: 1,
      ways: [
        { ...way, id: 'population face', steps: ['population', 'face'] },
        { ...way, id: 'bridge:singpass:2', steps: ['bridge:singpass:2'] },
        {
          ...way,
          id: 'enrol-passkey',
          steps: ['enrol-passkey'],
          minutes: 1,
          have: [],
          available: false,
          unavailableReason: 'face_unavailable',
        },
      ],
      canContinue: true,
    },
    { ...journey, half: null, level: null, why: [], missing: [], ways: [], canContinue: false },
    ...(['no', 'unreachable', null] as const).map((carrier) => ({
      ...journey,
      ...{
        half: { carrier, phone: '+86 •••• 0001' },
        level: { number: 2, name: 'real_name' },
        why: ['app_minimum'],
        missing: ['missing_face'],
      },
      ...{ shown: 1, ways: [{ ...way, id: 'face', steps: ['face'] }], canContinue: false },
    })),
  ],
  'journey/prove-population': [
    {
      ...journey,
      asksAbout: '+86 •••• 0001',
      values: { name: hostile, number: '1' },
      errors: { name: 'errors.name_invalid', number: 'errors.number_invalid' },
    },
    { ...journey, asksAbout: null },
  ],
  'journey/prove-face': [journey],
  'journey/prove-unavailable': [{ ...journey, canContinue: true }],
  'journey/prove-refused': [
    { ...journey, canContinue: false, cause: 'register' },
    { ...journey, canContinue: true, cause: 'face_left' },
    { ...journey, canContinue: false, cause: 'identity_in_use' },
  ],
  'journey/consent': [
    {
      ...journey,
      items: [
        { id: 'verified_claims.name', value: '张伟' },
        { id: 'phone_number', value: '+86 138****0001' },
        { id: hostile, value: hostile },
      ],
      ...{ already: [], shown: `verified_claims.name phone_number ${hostile}`, further: false },
    },
    {
      ...journey,
      items: [{ id: 'verified_claims.birthdate', value: '1990-01-01' }],
      already: ['name', hostile],
      shown: 'x',
      further: true,
    },
  ],
  'journey/waiting': [{ ...journey, pollUrl: `${base}/prove/state`, seconds: 3 }],
  'journey/expired': [{ code: 'interaction_expired' }],
  'journey/logout': [
    {
      form: '<form id="op.logoutForm" method="post" action="http://localhost:3000/session/end/confirm"><input type="hidden" name="xsrf" value="a&amp;b"/></form>',
    },
  ],
  'journey/logged-out': [
    { area: '/account', still: false },
    { area: '/admin', still: true },
  ],
  'journey/logout-faulty': [{ code: 'client_invalid' }],
  'account/overview': [
    {
      name: '张伟',
      untied: false,
      phone: '+86 138****0001',
      documents: [{ type: 'cn_resident_id', masked: '****1234' }],
      level: { number: 2, name: 'real_name' },
      until: at,
      eachTime: [
        { level: { number: 4, name: 'in_person' }, ready: true },
        { level: { number: 4, name: 'in_person' }, ready: false },
      ],
      next: {
        level: { number: 3, name: 'real_person' },
        raiseUrl: '/account/raise?level=3',
        steps: ['face'],
        minutes: 3,
      },
      passkeys: 1,
      apps: 2,
      sessions: 1,
      latest: activity,
      merges: 1,
      interventions: [asked],
      done: 'account.authenticators.done_added',
    },
    {
      name: null,
      untied: true,
      phone: null,
      documents: [],
      level: { number: 0, name: 'none' },
      until: null,
      eachTime: [],
      next: null,
      passkeys: 0,
      apps: 0,
      sessions: 0,
      latest: [],
      merges: 0,
      interventions: [],
    },
  ],
  'account/merges': [
    {
      questions: [
        {
          id: 'm1',
          phone: '+852 •••• 4567',
          category: 'hong_kong',
          since: at,
          stays: true,
          until: at,
          confirmed: false,
          shown: true,
        },
        { id: 'm2', phone: null, category: null, since: at, stays: false, until: at, confirmed: true, shown: true },
        { id: 'm3', phone: null, category: null, since: at, stays: false, until: at, confirmed: false, shown: false },
      ],
      done: 'account.merge.done_yes',
    },
    { questions: [], done: 'account.merge.done_no' },
  ],
  'account/authenticators': [
    {
      passkeys: [
        {
          id: 'p1',
          name: `iPhone ${hostile}`,
          createdAt: at,
          lastUsedAt: at,
          synced: true,
          aside: true,
          canRemove: true,
        },
        { id: 'p2', name: 'YubiKey', createdAt: at, lastUsedAt: null, synced: false, aside: false, canRemove: false },
      ],
      hasPassword: true,
      hasTotp: true,
      recoveryCodesLeft: 1,
      stopped: { password: true, totp: false, codes: true },
      canDropPassword: true,
      passkey,
    },
    {
      passkeys: [],
      hasPassword: false,
      hasTotp: false,
      recoveryCodesLeft: 0,
      stopped: { password: false, totp: true, codes: false },
      canDropPassword: false,
      passkey: null,
    },
  ],
  'account/stopped': [{ stop }, { stop: { ...stop, kind: 'suspended', until: at } }],
  'journey/stopped': [{ ...journey, stop }],
  'account/evidence': [
    {
      evidence: ['contact', 'population', 'face', 'counter', 'document', 'elements', 'upstream', 'legal_person'].map(
        (kind, i) => ({
          kind,
          recordedAt: at,
          expiresAt: i % 2 ? at : null,
          revokedAt: i === 3 ? at : null,
          anew: i === 1,
        }),
      ),
    },
    { evidence: [] },
  ],
  'journey/prove-counter': [
    { ...journey, officials: 2, live: null, counters: [], bring },
    { ...journey, officials: 1, live: { ...code, status: 'open', at: null }, counters: [], bring: [] },
  ],
  'account/counter': [
    {
      live: { ...code, status: 'taken', at: { en: hostile }, number: 'A1', officials: 1 },
      last: null,
      past: [{ id: 'c1', number: 'A1', at, status: 'cancelled' }],
      counters: [place],
      bring,
      done: null,
    },
    {
      live: { ...code, looking: false, status: 'half', at: null, number: 'A1', officials: 2 },
      last: null,
      past: [],
      counters: [],
      bring,
    },
    { live: null, last: { id: 'c1', status: 'refused', reason: 'face_differs' }, past: [], counters: [place], bring },
    {
      live: null,
      last: { id: 'c1', status: 'expired', reason: null },
      past: [],
      counters: [],
      bring,
      done: 'account.counter.done_cancelled',
    },
  ],
  'account/counter-new': [{}],
  'account/counter-receipt': [
    {
      number: 'A1',
      status: 'confirmed',
      reason: 'second_missed',
      openedAt: at,
      closedAt: at,
      visits: [{ at, place: hostile }],
      name: hostile,
      confirmed: { officials: 1, category: 'taiwan', documentType: 'cn_tw_travel_permit' },
    },
    {
      number: 'A1',
      status: 'refused',
      reason: 'left',
      openedAt: at,
      closedAt: at,
      visits: [],
      name: null,
      confirmed: null,
    },
  ],
  'account/apps': [
    {
      apps: [
        { grantId: 'g1', name: hostile, purpose: 'x', items: ['name', 'other'], passedOn: false, at },
        { grantId: 'g2', name: 'x', purpose: 'x', items: ['verified_claims.evidence'], passedOn: true, at },
      ],
      done: 'account.apps.done_withdrawn',
    },
    { apps: [] },
  ],
  'account/sessions': [
    {
      sessions: [
        { uid: 's1', device: 'Safari, iPhone', place: '203.0.113.x', createdAt: at, lastSeenAt: at, current: true },
        { uid: 's2', device: '', place: null, createdAt: at, lastSeenAt: at, current: false },
      ],
      done: 'account.sessions.done_ended',
    },
  ],
  'account/activity': [
    { items: activity, olderUrl: '/account/activity?before=1', newerUrl: null },
    { items: [], olderUrl: null, newerUrl: null },
  ],
  'account/decisions': [
    {
      items: ['met', 'step_up', 'reauthenticate', 'refused'].map((outcome, i) => ({
        at,
        outcome,
        app: hostile,
        level: i === 0 ? hostile : null,
        url: '/account/decisions/1',
      })),
      apps: [
        { id: 'a', name: hostile, chosen: true },
        { id: 'b', name: 'B', chosen: false },
      ],
      olderUrl: '/account/decisions?before=1',
      newerUrl: '/account/decisions',
    },
    { items: [], apps: [], olderUrl: null, newerUrl: null },
  ],
  'account/decision': [
    {
      voice: 'you',
      decision: {
        id: 'd1',
        at,
        app: hostile,
        outcome: 'refused',
        level: null,
        acr: null,
        reason: 'login_required',
        requestId: 'r1',
        policyVersion: 3,
      },
      agreement: 'differs',
      told: {
        said: [hostile],
        levels: [decisionLevel],
        others: [decisionLevel],
        evidence: ['used', 'ignored', 'ended', 'unused'].map((state) => ({
          id: state,
          what: hostile,
          from: hostile,
          at,
          confirms: [hostile],
          expiresAt: at,
          revokedAt: at,
          state,
          why: hostile,
        })),
        events: ['used', 'unused'].map((state) => ({
          id: state,
          what: hostile,
          from: null,
          at,
          properties: [hostile],
          state,
        })),
        alternatives: {
          ways: [{ steps: ['passkey', 'population'], minutes: 4 }],
          blocked: [{ steps: ['face'], minutes: 3 }],
          because: ['face_unavailable'],
        },
      },
    },
    {
      voice: 'you',
      decision: {
        id: 'd2',
        at,
        app: 'a',
        outcome: 'met',
        level: 'L',
        acr: 'urn:l',
        reason: null,
        requestId: null,
        policyVersion: 1,
      },
      agreement: 'same',
      told: { said: [], levels: [], others: [], evidence: [], events: [], alternatives: null },
    },
  ],
};
