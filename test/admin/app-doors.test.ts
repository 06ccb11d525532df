import { beforeAll, expect, it } from 'vitest';
import { applyApps } from '../../src/commands/app-files.ts';
import { parseAppSettings, settingOf } from '../../src/commands/app-settings.ts';
import type { By } from '../../src/commands/change-rules.ts';
import { createApp } from '../../src/commands/manage-app.ts';
import { saveRegisteredApp } from '../../src/commands/save-app.ts';
import { findApp } from '../../src/storage/apps.ts';
import { changesIn } from '../../src/storage/changes.ts';
import { withDatabases } from '../support/databases.ts';
import { type Office, openOffice } from './staff-support.ts';

const rules = { allowLoopback: false };
const inFour = (text: string) => ({ 'zh-Hans': text, 'zh-Hant': text, en: text, pt: text });
const point = { x: 'oRA3-dCihDbZ4yZxxGxt22nJMKoVFtEcStXARaV6KB8', y: 'SnXWKCmGZ1wxj9hB3Rhp-_WrWhufgBWVheoLke2EeBg' };
const publicKey = { kty: 'EC', kid: '1', crv: 'P-256', ...point };
const good = {
  redirect_uris: ['https://parks.example/back'],
  token_endpoint_auth_method: 'client_secret_basic',
  scope: 'openid profile',
};

/** A member, a value that no door may take, and where and why. */
const bad: [string, unknown, string, string][] = [
  ['redirect_uris', ['https://a.example/back#part'], 'redirect_uris.0', 'uri_fragment'],
  ['redirect_uris', ['https://me:secret@a.example/back'], 'redirect_uris.0', 'uri_credentials'],
  ['redirect_uris', ['http://a.example/back'], 'redirect_uris.0', 'uri_https'],
  ['redirect_uris', ['http://localhost/back'], 'redirect_uris.0', 'uri_https'],
  ['redirect_uris', ['com.example.app:/back'], 'redirect_uris.0', 'uri_https'],
  ['redirect_uris', ['javascript:alert(1)'], 'redirect_uris.0', 'uri_https'],
  ['redirect_uris', ['https://*.example/back'], 'redirect_uris.0', 'uri_invalid'],
  ['redirect_uris', ['https://a.example/1', 'https://b.example/2'], 'sector_identifier_uri', 'sector_needed'],
  ['redirect_uris', [], 'redirect_uris', 'required'],
  ['post_logout_redirect_uris', ['http://a.example/out'], 'post_logout_redirect_uris.0', 'uri_https'],
  ['client_uri', 'javascript:alert(1)', 'client_uri', 'uri_https'],
  ['logo_uri', 'https://me:secret@a.example/logo.png', 'logo_uri', 'uri_credentials'],
  ['jwks', { keys: [{ ...publicKey, d: 'private' }] }, 'jwks.keys.0', 'keys_private'],
  ['jwks', { keys: [{ kty: 'oct', kid: '1', k: 'c2VjcmV0' }] }, 'jwks.keys.0.kty', 'keys_unreadable'],
  ['jwks', { keys: [{ ...publicKey, x: 'no', y: 'point' }] }, 'jwks.keys.0', 'keys_unreadable'],
  ['jwks', { keys: [] }, 'jwks.keys', 'keys_unreadable'],
  ['jwks_uri', 'https://169.254.169.254/latest/meta-data', 'jwks_uri', 'uri_private'],
  ['jwks_uri', 'https://[::ffff:10.0.0.1]/keys', 'jwks_uri', 'uri_private'],
  ['jwks_uri', 'http://keys.example/jwks', 'jwks_uri', 'uri_https'],
  ['backchannel_logout_uri', 'https://10.1.2.3/logout', 'backchannel_logout_uri', 'uri_private'],
  ['backchannel_logout_uri', 'https://db.internal/logout', 'backchannel_logout_uri', 'uri_private'],
  ['sector_identifier_uri', 'https://printer.local/', 'sector_identifier_uri', 'uri_private'],
  ['token_endpoint_auth_method', 'client_secret_jwt', 'token_endpoint_auth_method', 'invalid'],
  ['token_endpoint_auth_method', 'private_key_jwt', 'jwks', 'keys_needed'],
  ['scope', 'openid everything', 'scope', 'invalid'],
];
/** Members that only files and the installation speak of. */
const badInFiles: [string, unknown, string, string][] = [
  ['token_endpoint_auth_signing_alg', 'HS256', 'token_endpoint_auth_signing_alg', 'invalid'],
  ['id_token_signed_response_alg', 'none', 'id_token_signed_response_alg', 'invalid'],
  ['userinfo_signed_response_alg', 'HS256', 'userinfo_signed_response_alg', 'invalid'],
  ['id_token_encrypted_response_alg', 'RSA1_5', 'id_token_encrypted_response_alg', 'invalid'],
  ['response_types', ['id_token token'], 'response_types.0', 'invalid'],
  ['grant_types', ['password'], 'grant_types.0', 'invalid'],
  ['subject_type', 'everybody', 'subject_type', 'invalid'],
  ['default_max_age', 'long', 'default_max_age', 'invalid'],
  ['shimin_first_party', 'yes', 'shimin_first_party', 'invalid'],
  ['shimin_profile', 'nobodys', 'shimin_profile', 'invalid'],
  ['shimin_pkce_exmpt', true, 'shimin_pkce_exmpt', 'unknown_member'],
];

withDatabases('one judge of apps at every door', (makeDb) => {
  let office: Office;
  let by: By;
  beforeAll(async () => {
    const { knex } = await makeDb();
    office = await openOffice(knex);
    by = await office.member('app_admin');
  });
  const fileOf = (metadata: Record<string, unknown>) => ({
    apps: [{ id: 'parks', name: inFour('Parks'), purpose: inFour('Book'), owner: 'Parks', metadata }],
  });
  const nothingWritten = async () => {
    expect(await findApp(office.deps.db, 'parks')).toBeNull();
    expect(await changesIn(office.deps.db, ['proposed'], { limit: 10 })).toEqual([]);
  };

  it.each([...bad, ...badInFiles])('a file with %s %j', async (member, value, place, code) => {
    const file = fileOf({ ...good, [member]: value });
    await expect(applyApps(office.deps, { file, by, rules })).rejects.toMatchObject({
      detail: { faults: expect.arrayContaining([`apps.0.metadata.${place}: ${code}`]) },
    });
    await nothingWritten();
  });

  it.each([...bad, ...badInFiles])('the apps of the installation with %s %j', async (member, value, place, code) => {
    const metadata = { ...good, client_id: 'parks', [member]: value };
    const texts = { name: inFour('Parks'), purpose: inFour('Book'), ownerName: 'seed' };
    await expect(saveRegisteredApp(office.deps, { ...texts, metadata, rules })).rejects.toMatchObject({
      code: 'app_invalid',
      detail: { faults: expect.arrayContaining([`${place}: ${code}`]) },
    });
    await nothingWritten();
  });

  // What the console's form and the Admin API send, by their own schema and again by the command behind it.
  it.each(bad)('settings with %s %j', async (member, value, place, code) => {
    const field = settingOf(member);
    const base = {
      ...{ name: inFour('Parks'), purpose: inFour('Book'), ownerName: 'Parks', applicationType: 'web' as const },
      ...{ redirectUris: good.redirect_uris, postLogoutUris: [], clientUri: null, logoUri: null, jwks: null },
      ...{ jwksUri: null, backchannelLogoutUri: null, sectorIdentifierUri: null, scopes: [] },
      ...{ authMethod: 'client_secret_basic' as const, refreshTokens: true, firstParty: false },
    };
    const given = { ...base, [field]: member === 'scope' ? String(value).split(' ') : value };
    const parsed = parseAppSettings(given, rules);
    const [first = '', ...rest] = place.split('.');
    const faults = parsed.ok
      ? []
      : parsed.faults.map((fault) => [fault.path.join('.').replace(/^scopes\..*/, 'scopes'), fault.code]);
    expect(faults).toContainEqual([[settingOf(first), ...rest].join('.'), code]);
    await nothingWritten();
  });

  it('an app on people’s own devices may be called back by a scheme of its own, a claimed address, or the device itself', async () => {
    const native = { ...good, application_type: 'native', token_endpoint_auth_method: 'none' };
    for (const uri of [
      'com.example.app:/back',
      'https://app.example/back',
      'http://127.0.0.1/back',
      'http://[::1]:4000/back',
    ])
      expect(
        await applyApps(office.deps, { file: fileOf({ ...native, redirect_uris: [uri] }), by, rules }),
      ).toMatchObject([{ change: 'proposed' }]);
    for (const [uri, code] of [
      ['app:/back', 'uri_scheme'],
      ['javascript:alert(1)', 'uri_scheme'],
      ['http://app.example/back', 'uri_https'],
      ['com.example.app:/back#x', 'uri_fragment'],
    ] as const)
      await expect(
        applyApps(office.deps, { file: fileOf({ ...native, redirect_uris: [uri] }), by, rules }),
      ).rejects.toMatchObject({ detail: { faults: [`apps.0.metadata.redirect_uris.0: ${code}`] } });
  });

  it('how an app stands is not said in a file: its roles, its switch', async () => {
    for (const [member, value] of [
      ['shimin_staff_roles', ['app_admin']],
      ['shimin_disabled', false],
      ['shimin_retiring_secret', { hash: 'x', until: 1 }],
    ] as const)
      await expect(
        applyApps(office.deps, { file: fileOf({ ...good, [member]: value }), by, rules }),
      ).rejects.toMatchObject({ detail: { faults: [`apps.0.metadata.${member}: not_here`] } });
  });

  it('a command that is given settings nobody judged refuses them, too', async () => {
    const settings = {
      ...{ name: inFour('Parks'), purpose: inFour('Book'), ownerName: 'Parks', applicationType: 'web' as const },
      ...{ redirectUris: ['http://thief.example/'], postLogoutUris: [], clientUri: null, logoUri: null, jwks: null },
      ...{ jwksUri: null, backchannelLogoutUri: null, sectorIdentifierUri: null, scopes: [] },
      ...{ authMethod: 'client_secret_basic' as const, refreshTokens: true, firstParty: false },
    };
    await expect(createApp(office.deps, { by, id: 'thief', settings, judge: { rules } })).rejects.toMatchObject({
      code: 'app_invalid',
      detail: { faults: ['redirect_uris.0: uri_https'] },
    });
  });
});
