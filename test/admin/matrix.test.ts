import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AdminRoute } from '../../src/admin/context.ts';
import { adminRoutes } from '../../src/admin/index.ts';
import type { By } from '../../src/commands/change-rules.ts';
import { may, operations, type Role, roles } from '../../src/commands/permissions.ts';
import { proposeDraft, saveDraft } from '../../src/commands/propose-change.ts';
import { readAudit } from '../../src/storage/audit.ts';
import type { Change } from '../../src/storage/changes.ts';
import { currentPolicy } from '../../src/storage/policies.ts';
import { revokeRole } from '../../src/storage/staff.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { type Desk, openStaffroom, type Staffroom } from '../support/staff-http.ts';
import { loa, raised } from './staff-support.ts';

let city: TestCity;
let room: Staffroom;
let signedOut: Desk;
let roleless: Desk;
const desks = new Map<Role, Desk>();

beforeAll(async () => {
  city = await startCity();
  room = await openStaffroom(city);
  signedOut = await room.desk([], { signedOut: true });
  roleless = await room.desk([]);
  for (const role of roles) desks.set(role, await room.desk([role]));
});
afterAll(async () => {
  await room?.close();
  await city?.close();
});

/** With ids that nobody has: what is asked of the door is answered before anything is looked for or changed. */
const address = (route: AdminRoute) => route.path.replaceAll(/:\w+/g, 'nobody-has-this');
const send = (desk: Desk, route: AdminRoute) =>
  route.method === 'get' ? desk.get(address(route)) : desk.post(address(route));
const named = (route: AdminRoute) => [`${route.method} ${route.path}`, route] as const;
const line = async () => (await readAudit(room.db, { afterSeq: 0, limit: 100_000 })).at(-1);
const deskOf = (role: Role): Desk => {
  const desk = desks.get(role);
  if (desk === undefined) throw new Error(`no desk of ${role}`);
  return desk;
};
const codeOf = async (response: Response): Promise<unknown> => {
  const body: unknown = response.headers.get('content-type')?.startsWith('application/json')
    ? await response.json()
    : null;
  return typeof body === 'object' && body !== null ? Reflect.get(body, 'error') : null;
};

describe('role by endpoint', () => {
  it('has every page once, and every page an operation of the matrix', () => {
    const keys = adminRoutes.map((route) => `${route.method} ${route.path}`);
    expect(new Set(keys).size).toBe(keys.length);
    const known: readonly string[] = [...operations, 'anyone'];
    expect(adminRoutes.filter(({ operation }) => !known.includes(operation))).toEqual([]);
    // Only taking up a role is for people without one.
    expect(adminRoutes.filter(({ operation }) => operation === 'anyone').map(({ path }) => path)).toEqual([
      '/admin/enrol',
      '/admin/enrol/take',
    ]);
  });

  describe.each(adminRoutes.map(named))('%s', (_name, route) => {
    it('sends whoever is not signed in to sign in', async () => {
      const response = await send(signedOut, route);
      expect(response.status).toBe(303);
      expect(response.headers.get('location')).toMatch(new RegExp(`^${city.issuer}/auth\\?`));
    });

    it.each([null, ...roles])('%s: as the matrix says', async (role) => {
      const desk = role === null ? roleless : deskOf(role);
      const response = await send(desk, route);
      const held = role === null ? [] : [role];
      if (route.operation === 'anyone' || may(held, route.operation)) {
        expect(response.status).toBeLessThan(500);
        expect(await codeOf(response)).not.toBe('forbidden');
        // Nobody with the right is sent away to sign in: it was a moment ago.
        expect(response.headers.get('location') ?? '').not.toContain('/auth?');
        return;
      }
      expect(response.status).toBe(403);
      expect(await codeOf(response)).toBe('forbidden');
      expect(await line()).toMatchObject({
        type: 'staff.refused',
        outcome: 'refused',
        reason: 'role',
        actor: { kind: 'staff', id: desk.accountId },
        data: { operation: route.operation, roles: held, method: route.method.toUpperCase() },
      });
    });
  });
});

describe('at the door', () => {
  it.each(adminRoutes.filter(({ method }) => method === 'post').map(named))(
    '%s is refused without the token of this browser',
    async (_name, route) => {
      const all = await room.desk(roles);
      for (const _csrf of ['', 'x'.repeat(43)]) {
        const response = await all.post(address(route), { _csrf });
        expect(response.status).toBe(403);
        expect(await codeOf(response)).toBe('csrf_rejected');
      }
    },
  );

  it.each(adminRoutes.filter(({ method, path }) => method === 'get' && path.includes(':')).map(named))(
    '%s of nothing is a page with a way on',
    async (_name, route) => {
      const all = await room.desk(roles);
      const response = await all.get(address(route), 'text/html');
      expect(response.status).toBe(404);
      expect(await response.text()).toContain('href="/admin"');
    },
  );

  it('is a page with a way on where there is no page', async () => {
    const response = await deskOf('owner').get('/admin/nothing/here', 'text/html');
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('href="/admin"');
  });
});

describe('four eyes over HTTP', () => {
  // What waits already would be proposed no second time.
  beforeEach(async () => {
    await room.db('changes').where({ status: 'proposed' }).update({ status: 'withdrawn' });
  });

  const by = (desk: Desk): By => ({ accountId: desk.accountId, cause: { requestId: 'proposal', clientId: 'admin' } });

  async function proposed(desk: Desk, at = new Date()): Promise<Change> {
    const deps = { db: room.db, keyring: room.keyring, clock: () => at };
    const { document } = await currentPolicy(room.db);
    const draft = await saveDraft(deps, { by: by(desk), draft: null, document: raised(document, loa(2)) });
    const { id, revision } = draft;
    return proposeDraft(deps, { by: by(desk), id, revision, reason: 'because', publishAt: null });
  }
  const approve = (desk: Desk, change: Change) =>
    desk.post(`/admin/approvals/${change.id}/decide`, { decision: 'approve', revision: String(change.revision) });
  async function expectRefused(response: Response, code: string, status: number, desk: Desk): Promise<void> {
    expect([response.status, await codeOf(response)]).toEqual([status, code]);
    expect(await line()).toMatchObject({
      type: 'change.refused',
      outcome: 'refused',
      reason: code,
      actor: { kind: 'staff', id: desk.accountId },
      requestId: response.headers.get('x-request-id'),
    });
    expect((await currentPolicy(room.db)).document.apps.library?.floor).toBe(loa(1));
  }

  it('refuses whoever proposed it', async () => {
    const ana = await room.desk(['assurance_admin']);
    await expectRefused(await approve(ana, await proposed(ana)), 'self_approval', 403, ana);
  });

  it('refuses what nobody decided in a week', async () => {
    const [ana, ben] = [await room.desk(['assurance_admin']), await room.desk(['owner'])];
    const change = await proposed(ana, new Date(Date.now() - 7 * 86_400_000 - 1));
    await expectRefused(await approve(ben, change), 'change_expired', 409, ben);
  });

  it('refuses what was proposed by a role taken away since', async () => {
    const [ana, ben] = [await room.desk(['assurance_admin']), await room.desk(['owner'])];
    const change = await proposed(ana);
    await revokeRole(room.db, ana.accountId, 'assurance_admin', new Date());
    await expectRefused(await approve(ben, change), 'proposer_lost_role', 409, ben);
  });

  it('refuses at the next click whoever lost the role', async () => {
    const [ana, ben] = [await room.desk(['assurance_admin']), await room.desk(['owner'])];
    const change = await proposed(ana);
    expect((await ben.get(`/admin/approvals/${change.id}`)).status).toBe(200);
    await revokeRole(room.db, ben.accountId, 'owner', new Date());
    const response = await approve(ben, change);
    expect([response.status, await codeOf(response)]).toEqual([403, 'forbidden']);
    expect(await line()).toMatchObject({ type: 'staff.refused', actor: { id: ben.accountId }, data: { roles: [] } });
    expect((await currentPolicy(room.db)).document.apps.library?.floor).toBe(loa(1));
  });

  it('refuses a role that may decide other kinds of change', async () => {
    const [ana, wei] = [await room.desk(['assurance_admin']), await room.desk(['bridge_admin'])];
    await expectRefused(await approve(wei, await proposed(ana)), 'forbidden', 403, wei);
  });
});
