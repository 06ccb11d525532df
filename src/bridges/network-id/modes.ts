/** How somebody showed their network credential (网证): alone, with its password, with their face, with both. */
export const modes = ['R01', 'R02', 'R03', 'R04'] as const;
export type Mode = (typeof modes)[number];

export interface Parts {
  readonly password: boolean;
  readonly face: boolean;
}

export const partsOf: Readonly<Record<Mode, Parts>> = {
  R01: { password: false, face: false },
  R02: { password: true, face: false },
  R03: { password: false, face: true },
  R04: { password: true, face: true },
};

export function modeWith({ password, face }: Parts): Mode {
  if (face) return password ? 'R04' : 'R03';
  return password ? 'R02' : 'R01';
}

/**
 * Our levels: a mode alone is a pseudonym that was shown so, a mode with `+` also told who the person is. Only the latter
 * are worth something as identity: whose face it was is nothing without a name to it.
 */
export const withInformation = (mode: Mode): string => `${mode}+`;

/** What a level asks for; null and unknown words ask for the least. */
export function wanted(level: string | null): { mode: Mode; information: boolean } {
  const mode = modes.find((each) => level === each || level === withInformation(each)) ?? 'R01';
  return { mode, information: level === withInformation(mode) };
}

/** Four places: credential, password, face, reserved. 0 is good, X was not looked at; anything else is not good. */
export function resultFor(mode: Mode): string {
  const { password, face } = partsOf[mode];
  return `0${password ? '0' : 'X'}${face ? '0' : 'X'}X`;
}
