import type { EvidenceKind, FactorKind, Strength } from './evidence.ts';
import type { Aal, Ial } from './level.ts';

/** One piece of evidence a level takes. */
export interface EvidenceRule {
  readonly kind: EvidenceKind;
  readonly minStrength: Strength;
  /** Seconds since `recordedAt`; null: no limit. */
  readonly maxAge: number | null;
  /** All of these must be among `confirmed`. */
  readonly confirms: readonly string[];
  /** Accepted sources; null: any. */
  readonly sources: readonly string[] | null;
}

/** One way to authenticate that a level takes. */
export interface AuthenticationRule {
  /** How many different factor kinds the events must show together (1 or 2). */
  readonly factors: 1 | 2;
  readonly userVerified: boolean;
  readonly phishingResistant: boolean;
  readonly deviceBound: boolean;
  /** Seconds since each event used. */
  readonly maxAge: number;
  /** Factor kinds that must be among them. */
  readonly kinds?: readonly FactorKind[];
}

/** A named profile over (IAL, AAL). `id` is the `acr` value. */
export interface LevelRule {
  readonly id: string;
  /** Locale key of its name. */
  readonly name: string;
  readonly ial: Ial;
  readonly aal: Aal;
  /** Any one of the lists, every rule of it. */
  readonly identity: readonly (readonly EvidenceRule[])[];
  /** Any one rule. */
  readonly authentication: readonly AuthenticationRule[];
  /** False: only events of the present interaction count. */
  readonly rideOnSso: boolean;
  /** Levels that this one dominates (transitive closure is computed). */
  readonly dominates: readonly string[];
  /** Other labels under which it may be asked for and answered, for example eIDAS URIs. */
  readonly labels: readonly string[];
  /** Names in other schemes, for people and claims. */
  readonly equivalents: Readonly<Record<string, string>>;
}

/** A label that asks for a property of the authentication only, such as `phr` (OpenID EAP ACR values). */
export interface AuthenticationLabel {
  readonly id: string;
  readonly authentication: readonly AuthenticationRule[];
}

export interface AppRequirement {
  /** The client's own minimum level. */
  readonly floor: string;
}

/** The one versioned document of levels, rules and each app's requirement. */
export interface AssurancePolicy {
  readonly version: number;
  readonly levels: readonly LevelRule[];
  readonly authenticationLabels: readonly AuthenticationLabel[];
  readonly apps: Readonly<Record<string, AppRequirement>>;
  readonly defaultFloor: string;
}
