import type { PersonCategory } from '../assurance/evidence.ts';

/** What an upstream tells about the person; each only as far as it told it. Its own words, checked for shape and not for truth. */
export interface ExternalClaims {
  readonly name?: string;
  readonly documentType?: string;
  readonly documentNumber?: string;
  /** YYYY-MM-DD. */
  readonly birthDate?: string;
  /** E.164. */
  readonly phone?: string;
  readonly category?: PersonCategory;
}

/**
 * Who stands before an upstream: by whom, how strongly and when it was found out. What that is worth is said elsewhere,
 * under the ceiling of the bridge.
 */
export interface ExternalIdentity {
  /** What together names the person there for ever, such as [app id, subject]; never a nickname, phone number or e-mail (D12). */
  readonly subject: readonly [string, ...string[]];
  /** The upstream's own name of the level it reached; null: it says none. */
  readonly level: string | null;
  /** RFC 8176 values, as far as the upstream says how the person signed in. */
  readonly methods: readonly string[];
  /** When the person signed in there; null: not told. */
  readonly authTime: Date | null;
  readonly claims: ExternalClaims;
}

/** Why nothing came of it; each is a page with a next way (`bridge.refused.*`), and what the log calls it. */
export const bridgeRefusals = [
  /** The person turned back or declined there. */
  'cancelled',
  /** The upstream refuses this person: unknown, closed, not of this kind. */
  'denied',
  /** Too late or a second time. */
  'expired',
  /** An answer that can't be trusted: signature, issuer, audience, nonce, times, subject, shape. */
  'answer_invalid',
] as const;
export type BridgeRefusal = (typeof bridgeRefusals)[number];

export type BridgeResult =
  | { readonly outcome: 'identified'; readonly identity: ExternalIdentity }
  | { readonly outcome: 'refused'; readonly reason: BridgeRefusal; readonly cause?: unknown }
  | { readonly outcome: 'unavailable'; readonly retryAfter: number; readonly cause?: unknown };

export interface BridgeStart {
  readonly redirectUri: string;
  /** 32 letters and digits: what every upstream takes. The area binds it to browser and request, and takes it back once. */
  readonly state: string;
  /** The level wanted, in the upstream's own terms; null: whatever it gives. */
  readonly level: string | null;
  /** BCP 47. */
  readonly locale: string;
  /** The person must sign in there now, whatever session they have. */
  readonly fresh: boolean;
}

/**
 * An upstream identity provider that we are relying party to (SP 800-63C-4). All its oddities are inside. It keeps no state:
 * `keep` is stored by the area, sealed, and handed back exactly once.
 */
export interface Bridge {
  readonly id: string;
  start(
    request: BridgeStart,
  ): Promise<
    | { readonly outcome: 'started'; readonly url: string; readonly keep: unknown }
    | { readonly outcome: 'unavailable'; readonly retryAfter: number; readonly cause?: unknown }
  >;
  /** `callback`: the whole address that the browser came back to. */
  finish(callback: URL, keep: unknown): Promise<BridgeResult>;
}
