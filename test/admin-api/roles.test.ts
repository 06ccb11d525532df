import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiOperations } from '../../src/admin-api/operations.ts';
import { appActor, appRoles, mayHold } from '../../src/commands/app-roles.ts';
import { may, type Role, roles } from '../../src/commands/permissions.ts';
import { findApp, saveApp } from '../../src/storage/apps.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { type Api, openApi, type Program } from './support.ts';

let api: Api;
const programs = new Map<Role | null, Program & { id: string }>();

beforeAll(async () => {
  api = await openApi('sqlite');
  for (const role of [null, ...appRoles]) programs.set(role, await api.program(role === null ? [] : [role]));
});
afterAll(() => api?.close());

const operations = apiOperations({ allowLoopback: true });
const lastLine = async () => (await readAudit(api.db, { afterSeq: 0, limit: 100_000 })).at(-1);
const programOf = (role: Role | null) => {
  const found = programs.get(role);
  if (!found) throw new Error(`no program of ${role}`);
  return found;
};

describe.each(operations.map((operation) => [operation.id, operation] as const))('%s', (_id, operation) => {
  const path = operation.path
    .replaceAll('{version}', '999')
    .replaceAll('{seq}', '999999')
    .replaceAll(/\{\w+\}/g, 'nobody-has-this');

  it.each([null, ...appRoles])('%s: as the matrix says', async (role) => {
    const program = programOf(role);
    const held = role === null ? [] : [role];
    const answer = await program(operation.method, path);
    if (may(held, operation.permission)) {
      expect(answer.status).toBeLessThan(500);
      expect(answer.status).not.toBe(401);
      expect(answer.body?.code).not.toBe('forbidden');
      return;
    }
    expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
    expect(await lastLine()).toMatchObject({
      type: 'staff.refused',
      outcome: 'refused',
      reason: 'role',
      actor: { kind: 'app', id: `app:${program.id}` },
      clientId: program.id,
      data: { operation: operation.permission, roles: held, method: operation.method.toUpperCase() },
    });
  });

  it('can be used by some role that an app may hold', () => {
    expect(appRoles.some((role) => may([role], operation.permission))).toBe(true);
  });
});

describe('roles of apps', () => {
  it.each(roles.filter((role) => !mayHold(appActor('robot'), role)))('%s is for people only', async (role) => {
    await expect(api.register([role])).rejects.toThrow('shimin_staff_roles');
    // Nor if somebody writes it to the database.
    const program = await api.program([]);
    const app = await findApp(api.db, program.id);
    if (!app) throw new Error('no app');
    await saveApp(api.db, { ...app, metadata: { ...app.metadata, shimin_staff_roles: [role, 'auditor'] } });
    expect((await program('get', '/staff')).body.code).toBe('forbidden');
  });

  it('are gone with the next request when they are taken away', async () => {
    const program = await api.program(['auditor']);
    expect((await program('get', '/staff')).status).toBe(200);
    const app = await findApp(api.db, program.id);
    if (!app) throw new Error('no app');
    const { shimin_staff_roles: _, ...metadata } = app.metadata;
    await saveApp(api.db, { ...app, metadata });
    expect((await program('get', '/staff')).body.code).toBe('forbidden');
  });
});
