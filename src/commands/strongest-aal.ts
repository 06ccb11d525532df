import type { Aal } from '../assurance/level.ts';

/** What an account can sign in with. */
export interface Holdings {
  readonly passkeys: readonly { readonly backupEligible: boolean }[];
  readonly hasPassword: boolean;
  readonly hasTotp: boolean;
}

/** The strongest authentication an account can show; binding another authenticator needs it (SP 800-63B-4 4.1.2.1). */
export function strongestAal(holdings: Holdings): Aal {
  if (holdings.passkeys.some((passkey) => !passkey.backupEligible)) return 3;
  if (holdings.passkeys.length > 0 || (holdings.hasPassword && holdings.hasTotp)) return 2;
  return holdings.hasPassword || holdings.hasTotp ? 1 : 0;
}
