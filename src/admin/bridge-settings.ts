import { z } from 'zod';
import type { BridgeModule } from '../bridges/bridge.ts';
import { bridgeModules } from '../bridges/index.ts';
import type { CheckModule } from '../proofing/check.ts';
import { checkModules } from '../proofing/checks.ts';

/** What can be set up in the console: a bridge, a check, or (a carrier) both under one id, which the bridge's settings hold. */
export interface OutsideService {
  readonly id: string;
  readonly bridge: BridgeModule | null;
  readonly module: Pick<BridgeModule | CheckModule, 'settings' | 'secrets' | 'multiline'>;
}

export const outsideServices: readonly OutsideService[] = [
  ...bridgeModules.map((module) => ({ id: module.traits.id, bridge: module, module })),
  ...checkModules
    .filter(({ traits }) => !bridgeModules.some((bridge) => bridge.traits.id === traits.id))
    .map((module) => ({ id: module.traits.id, bridge: null, module })),
];

export interface SettingField {
  readonly name: string;
  readonly secret: boolean;
  readonly multiline: boolean;
  /** What there is to choose from; null: anything. */
  readonly options: readonly string[] | null;
  readonly set: boolean;
  readonly value: string;
}

/** Posted names of the settings' fields. */
export const fieldName = (setting: string): string => `settings.${setting}`;

/** The fields of a service's settings: as typed, else as they are, else as the service has them unless told otherwise. */
export function settingFields(
  { settings: shape, secrets, multiline = [] }: OutsideService['module'],
  known: Readonly<Record<string, string>> | null,
  typed: Readonly<Record<string, string>>,
): SettingField[] {
  return Object.entries(shape.shape).map(([name, type]) => {
    const secret = secrets.includes(name);
    const { options, preset } = choicesOf(type);
    return {
      name,
      secret,
      multiline: multiline.includes(name),
      options,
      set: known?.[name] !== undefined,
      // A secret that was typed is not sent back either.
      value: secret ? '' : (typed[fieldName(name)] ?? known?.[name] ?? preset),
    };
  });
}

function choicesOf(type: z.ZodType): { options: readonly string[] | null; preset: string } {
  const preset = type instanceof z.ZodDefault ? type.def.defaultValue : '';
  const inner = type instanceof z.ZodDefault ? type.unwrap() : type;
  const options = inner instanceof z.ZodEnum ? inner.options.map(String) : null;
  return { options, preset: typeof preset === 'string' ? preset : '' };
}

/**
 * The settings as posted, checked by the service's own schema. `errors` by posted name; what is wrong between fields and
 * names none stands under `settings`.
 */
export function readSettings(
  { settings: shape, secrets }: OutsideService['module'],
  known: Readonly<Record<string, string>> | null,
  typed: Readonly<Record<string, string>>,
): { settings: Record<string, string>; errors: Record<string, string> } {
  const settings: Record<string, string> = {};
  for (const [name, type] of Object.entries(shape.shape)) {
    // A text area sends its lines as CRLF (HTML, "constructing the entry list").
    const value = (typed[fieldName(name)] ?? '').replaceAll('\r\n', '\n').trim();
    const next = nextSetting(value, known?.[name], { secret: secrets.includes(name), type });
    if (next !== undefined) settings[name] = next;
  }
  const errors: Record<string, string> = {};
  for (const { path } of shape.safeParse(settings).error?.issues ?? [])
    errors[path[0] === undefined ? 'settings' : fieldName(String(path[0]))] = 'errors.setting_invalid';
  return { settings, errors };
}

/** A secret that was left empty stays as it is: it is never shown, so it can't be sent back. Undefined: not set. */
function nextSetting(value: string, known: string | undefined, { secret, type }: { secret: boolean; type: z.ZodType }) {
  if (value === '' && secret) return known;
  // What a field can't hold, such as the blank line at the end of a key, is no change.
  if (known?.trim() === value) return known;
  const preset = choicesOf(type).preset;
  if (value !== '') return known === undefined && value === preset ? undefined : value;
  // Where something else is meant by nothing said, an empty field says that it is nothing, if that can be.
  return preset !== '' && type.safeParse('').success ? '' : undefined;
}
