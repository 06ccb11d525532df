import { z } from 'zod';
import type { AppFault } from '../commands/app-check.ts';
import { type AppSettings, appLocales } from '../commands/app-settings.ts';

import type { Params } from '../i18n/index.ts';
import type { Fault } from './faults.ts';

export interface PostedSettings {
  readonly values: Readonly<Record<string, string>>;
  readonly scopes: readonly string[];
}

const text = z.string().max(20_000).catch('');
const many = z
  .union([z.string(), z.array(z.string())])
  .optional()
  .transform((value) => (value === undefined ? [] : [value].flat()));

const names = [
  'id',
  ...appLocales.flatMap((locale) => [`name-${locale}`, `purpose-${locale}`]),
  'ownerName',
  'redirectUris',
  'postLogoutUris',
  'clientUri',
  'logoUri',
  'authMethod',
  'jwks',
  'jwksUri',
  'backchannelLogoutUri',
  'sectorIdentifierUri',
  'refreshTokens',
  'firstParty',
  'applicationType',
  'reason',
  'revision',
] as const;

export function readSettings(posted: unknown): PostedSettings {
  const body = z.record(z.string(), z.unknown()).catch({}).parse(posted);
  const values = Object.fromEntries(names.map((name) => [name, text.parse(body[name]).trim()]));
  return { values, scopes: many.catch([]).parse(body.scopes) };
}

/** The form of settings that exist. */
export function settingsForm(settings: AppSettings): PostedSettings {
  const values = {
    ...Object.fromEntries(
      appLocales.flatMap((locale) => [
        [`name-${locale}`, settings.name[locale]],
        [`purpose-${locale}`, settings.purpose[locale]],
      ]),
    ),
    ownerName: settings.ownerName,
    redirectUris: settings.redirectUris.join('\n'),
    postLogoutUris: settings.postLogoutUris.join('\n'),
    clientUri: settings.clientUri ?? '',
    logoUri: settings.logoUri ?? '',
    authMethod: settings.authMethod,
    jwks: settings.jwks === null ? '' : JSON.stringify(settings.jwks, null, 2),
    jwksUri: settings.jwksUri ?? '',
    backchannelLogoutUri: settings.backchannelLogoutUri ?? '',
    sectorIdentifierUri: settings.sectorIdentifierUri ?? '',
    refreshTokens: settings.refreshTokens ? 'yes' : '',
    firstParty: settings.firstParty ? 'yes' : '',
    applicationType: settings.applicationType,
  };
  return { values, scopes: settings.scopes };
}

/** What the form says, for `parseAppSettings` to judge. */
export function settingsInput({ values, scopes }: PostedSettings): unknown {
  const at = (name: string) => values[name] ?? '';
  const optional = (name: string) => (at(name) === '' ? null : at(name));
  const lines = (name: string) =>
    at(name)
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '');
  const inFour = (field: string) => Object.fromEntries(appLocales.map((locale) => [locale, at(`${field}-${locale}`)]));
  return {
    name: inFour('name'),
    purpose: inFour('purpose'),
    ownerName: at('ownerName'),
    applicationType: at('applicationType') === 'native' ? 'native' : 'web',
    redirectUris: lines('redirectUris'),
    postLogoutUris: lines('postLogoutUris'),
    clientUri: optional('clientUri'),
    logoUri: optional('logoUri'),
    authMethod: at('authMethod'),
    jwks: at('jwks') === '' ? null : keysOf(at('jwks')),
    jwksUri: optional('jwksUri'),
    backchannelLogoutUri: optional('backchannelLogoutUri'),
    sectorIdentifierUri: optional('sectorIdentifierUri'),
    scopes: [...scopes],
    refreshTokens: at('refreshTokens') === 'yes',
    firstParty: at('firstParty') === 'yes',
  };
}

/** Text that is no JSON stays a text, which the schema refuses at this field like any other wrong key. */
function keysOf(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

const lists = ['redirectUris', 'postLogoutUris'];

const labels: Readonly<Record<string, string>> = {
  ownerName: 'apps.owner',
  redirectUris: 'apps.redirect_uris',
  postLogoutUris: 'apps.post_logout_uris',
  clientUri: 'apps.client_uri',
  logoUri: 'apps.logo_uri',
  authMethod: 'apps.auth_method',
  jwks: 'apps.jwks',
  jwksUri: 'apps.jwks_uri',
  backchannelLogoutUri: 'apps.logout_uri',
  sectorIdentifierUri: 'apps.sector_uri',
  scopes: 'apps.scopes',
  applicationType: 'apps.kind',
};

/** Whether the form speaks of it. */
export const hasField = (setting: string): boolean => setting in labels;

/** Each fault in words at its field; in a list, with the number of its line. */
export function toldFaults(faults: readonly AppFault[], t: (key: string, params?: Params) => string): Fault[] {
  return faults.map(({ path, code }) => {
    const [first = '', second] = path.map(String);
    const said = t(`apps.fault.${code}`);
    if ((first === 'name' || first === 'purpose') && second !== undefined) {
      const label = t(`apps.${first}_in`, { language: t(`apps.language.${second}`) });
      return { field: `${first}-${second}`, text: said, label };
    }
    const key = labels[first];
    const label = key === undefined ? {} : { label: t(key) };
    if (lists.includes(first) && second !== undefined)
      return { field: first, text: t('apps.fault.line', { line: Number(second) + 1, fault: said }), ...label };
    return { field: first, text: said, ...label };
  });
}
