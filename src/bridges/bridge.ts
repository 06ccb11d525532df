import type { z } from 'zod';
import type { Worth } from '../assurance/bridge-worth.ts';
import type { PersonCategory } from '../assurance/evidence.ts';
import type { Clock } from '../lib/clock.ts';
import type { Upstream } from '../lib/upstream.ts';

/** What an upstream tells about the person; each only as far as it told it. Its own words, checked for shape and not for truth. */
export interface ExternalClaims {
  /** In its own script. */
  readonly name?: string;
  readonly latinName?: string;
  /** A type of src/identity/documents.ts. */
  readonly documentType?: string;
  readonly documentNumber?: string;
  /** YYYY-MM-DD. */
  readonly birthDate?: string;
  /** E.164. */
  readonly phone?: string;
  readonly category?: PersonCategory;
  /** The document's last day, YYYY-MM-DD. */
  readonly documentValidUntil?: string;
}

/** One name that the upstream has for a person. What is in `of` names the person only together: [app id, subject]. */
export interface SubjectKey {
  /** Kind of the name (`sub`, `openid`, `unionid`): names of different kinds are never compared (D12). */
  readonly part: string;
  readonly of: readonly [string, ...string[]];
}

/**
 * Who stands before an upstream: by whom, how strongly and when it was found out. What that is worth is said elsewhere,
 * under the ceiling of the bridge.
 */
export interface ExternalIdentity {
  /** Names for ever, no nickname, phone number or e-mail; all are the same person's. */
  readonly subjects: readonly [SubjectKey, ...SubjectKey[]];
  /** The upstream's own name of the level it reached, one of the bridge's `levels`; null: it says none that we know. */
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

export interface BridgeRefused {
  readonly outcome: 'refused';
  readonly reason: BridgeRefusal;
  readonly cause?: unknown;
}
/** Down, slow, garbled, or its circuit is open; `retryAfter` in seconds. */
export interface BridgeUnavailable {
  readonly outcome: 'unavailable';
  readonly retryAfter: number;
  readonly cause?: unknown;
}
export type BridgeResult =
  | { readonly outcome: 'identified'; readonly identity: ExternalIdentity }
  | BridgeRefused
  | BridgeUnavailable;

/** What the person is asked on our page before they go there, because the upstream wants to be told it. */
export interface BridgeField {
  readonly name: string;
  /** A type of src/identity/documents.ts or of phone numbers; the area checks it before `start`. */
  readonly type: string;
}

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
  /** The person is on the device that holds the upstream's app; false: on another one (codes to scan). */
  readonly sameDevice: boolean;
  /** The browser's own name, for upstreams whose app has one: inside it people sign in another way. */
  readonly userAgent?: string;
  /** What `asks` names, checked. */
  readonly input: Readonly<Record<string, string>>;
}

/** What is shown while the person acts in an app, and how it is asked whether they are done. */
export interface BridgeWaiting {
  /** Opens the app on this device; null: there is none. */
  readonly link: string | null;
  /** Content of a QR code for the app on another device; null: the app is told by a push. */
  readonly qr: string | null;
  /** Seconds between two questions. */
  readonly every: number;
  readonly until: Date;
}

export type BridgeStarted =
  | { readonly outcome: 'started'; readonly url: string; readonly keep: unknown }
  /** For upstreams that send nobody back: the area shows it and calls `poll`. */
  | { readonly outcome: 'waiting'; readonly waiting: BridgeWaiting; readonly keep: unknown }
  | BridgeRefused
  | BridgeUnavailable;

/**
 * An upstream identity provider that we are relying party to (SP 800-63C-4). All its oddities are inside. It keeps no state:
 * `keep` (JSON) is stored by the area, sealed, and handed back: to `finish` exactly once, to `poll` until it answers.
 */
export interface Bridge {
  start(request: BridgeStart): Promise<BridgeStarted>;
  /** `callback`: the whole address that the browser came back to. */
  finish(callback: URL, keep: unknown): Promise<BridgeResult>;
  poll?(keep: unknown): Promise<BridgeResult | { readonly outcome: 'pending' }>;
}

/** Whom a bridge is mostly for; orders the sign-in page. */
export const regions = ['mainland', 'hong_kong', 'macao', 'taiwan', 'singapore', 'any'] as const;
export type Region = (typeof regions)[number];

/** One of the upstream's own levels, and the most that it is ever worth here. An admin may lower it, nobody can raise it. */
export interface BridgeLevel {
  /** As in `ExternalIdentity.level`; null: the upstream said none, or one that we don't know. */
  readonly name: string | null;
  readonly worth: Worth;
}

export interface BridgeTraits {
  /** Also its source in the ledger and its folder: `alipay`. */
  readonly id: string;
  readonly region: Region;
  /** What people need for it, rounded up. */
  readonly minutes: number;
  /** Lowest first; the first one has the name null. */
  readonly levels: readonly [BridgeLevel, ...BridgeLevel[]];
  /** What it says of the person is the account's, however they signed in: when it says less, what it said before is over. */
  readonly identityOfAccount?: boolean;
  /** It may answer from a session of its own, can't be asked not to, and does not tell: no proof of a new sign-in. */
  readonly keepsSession?: boolean;
  readonly asks: readonly BridgeField[];
  /** Locale keys of what to have at hand (`have.*`). */
  readonly have: readonly string[];
}

/** What the composition root hands to a bridge. */
export interface BridgePorts {
  readonly upstream: Upstream;
  readonly allowLoopback: boolean;
  readonly timeoutMs?: number;
  readonly clock: Clock;
}

/** One folder of src/bridges, one line of its index. */
export interface BridgeModule {
  readonly traits: BridgeTraits;
  /** What is configured; every value a string, so that a form and a file can hold it. */
  readonly settings: z.ZodObject;
  /** Those of the settings that are sealed at rest and never shown again. */
  readonly secrets: readonly string[];
  /** Those of several lines, such as keys in PEM: a field of one line would lose them. */
  readonly multiline?: readonly string[];
  /** @throws ZodError for settings that are not whole. */
  open(settings: unknown, ports: BridgePorts): Bridge;
  /** For upstreams that read our keys at an address of ours: what has to stand there (RFC 7517). */
  readonly publicKeys?: (settings: unknown) => object;
}

/** Lets a module keep the type of its own settings. */
export function defineBridge<Shape extends z.ZodObject>(module: {
  traits: BridgeTraits;
  settings: Shape;
  secrets: readonly (keyof z.infer<Shape> & string)[];
  multiline?: readonly (keyof z.infer<Shape> & string)[];
  open(settings: z.infer<Shape>, ports: BridgePorts): Bridge;
  publicKeys?: (settings: z.infer<Shape>) => object;
}): BridgeModule {
  const { settings, open, publicKeys, ...rest } = module;
  return {
    ...rest,
    settings,
    open: (given, ports) => open(settings.parse(given), ports),
    ...(publicKeys ? { publicKeys: (given: unknown) => publicKeys(settings.parse(given)) } : {}),
  };
}
