import { z } from 'zod';
import { factorKinds, strengths } from '../assurance/evidence.ts';
import { categories } from '../identity/person.ts';
import { ShiminError } from '../lib/errors.ts';
import type { Interaction } from '../oidc/interaction.ts';
import { peek, put, update } from '../storage/pending.ts';
import type { JourneyDeps } from './deps.ts';

const registration = z.object({
  accountId: z.string(),
  userHandle: z.string(),
  phone: z.string(),
  /** Keyed hash of the code that was sent; null once it was entered. */
  codeHash: z.string().nullable(),
  codeExpiresAt: z.number(),
  confirmed: z.boolean(),
  /** The confirmed number belongs to an account already. */
  taken: z.boolean(),
  passwordHash: z.string().nullable(),
  totpSecret: z.string().nullable(),
});

const upstreamFacts = z.object({
  bridge: z.string(),
  supersedes: z.boolean(),
  subjects: z.array(z.object({ part: z.string(), of: z.tuple([z.string()], z.string()).readonly() })).readonly(),
  claims: z.object({
    name: z.string().optional(),
    latinName: z.string().optional(),
    documentType: z.string().optional(),
    documentNumber: z.string().optional(),
    birthDate: z.string().optional(),
    phone: z.string().optional(),
    category: z.enum(categories).optional(),
    documentValidUntil: z.string().optional(),
    otherDocuments: z
      .array(z.object({ type: z.string(), number: z.string() }))
      .readonly()
      .optional(),
  }),
  event: z
    .object({
      method: z.literal('bridge'),
      at: z.coerce.date(),
      factors: z.array(z.enum(factorKinds)).readonly(),
      userVerified: z.boolean(),
      phishingResistant: z.boolean(),
      deviceBound: z.boolean(),
    })
    .nullable(),
  evidence: z
    .object({
      kind: z.literal('upstream'),
      source: z.string(),
      strength: z.enum(strengths),
      category: z.enum(categories).nullable(),
      confirmed: z.array(z.string()).readonly(),
      expiresAt: z.coerce.date().nullable(),
    })
    .nullable(),
});

/** A question to the phone that this browser shows: `src/commands/cross-device.ts`. */
const qr = z.object({ ticket: z.string(), code: z.string(), until: z.number() });

const schema = z.object({
  registration: registration.nullable(),
  /** Password entered rightly; it counts only together with the second factor. */
  passwordOf: z.string().nullable(),
  /** Ways chosen on the step-up page, first step first. */
  way: z.array(z.string()),
  /** Shown once after they were made. */
  recoveryCodes: z.array(z.string()),
  /** What the register answered and is not in the ledger: bound face session. */
  face: z.object({ keep: z.unknown() }).nullable(),
  /** Last refusal or fault of a proofing, shown by the hub until the next try. */
  notice: z
    .object({ kind: z.enum(['unavailable', 'refused', 'bridge']), reason: z.string(), bridge: z.string().optional() })
    .nullable(),
  /** What the carrier said of the confirmed number; null: it was not asked in this request. */
  tie: z.enum(['yes', 'no', 'unreachable']).nullable().default(null),
  /** A number that was stated for a check and to which a code went; without `codeHash` it came back. */
  checkPhone: z
    .object({ phone: z.string(), codeHash: z.string().nullable(), codeExpiresAt: z.number() })
    .nullable()
    .default(null),
  /** An upstream's answer that is linked to no account yet: the person says which, and proves it is theirs. */
  upstream: z.object({ facts: upstreamFacts, at: z.number() }).nullable().default(null),
  qr: qr.nullable().default(null),
  /** Secret of an authenticator app that is being added to the account. */
  offered: z.boolean(),
});

/** What the person did so far in one authorization request and that is neither evidence nor an event. */
export type JourneyState = z.infer<typeof schema>;
export type Registration = z.infer<typeof registration>;

const empty: JourneyState = {
  registration: null,
  passwordOf: null,
  way: [],
  recoveryCodes: [],
  face: null,
  notice: null,
  tie: null,
  checkPhone: null,
  upstream: null,
  qr: null,
  offered: false,
};

const kind = 'journey';
const idOf = (interaction: Interaction) => `journey:${interaction.cid}`;

export async function loadState(deps: JourneyDeps, interaction: Interaction): Promise<JourneyState> {
  const payload = await peek(deps.db, idOf(interaction), kind, deps.clock(), deps.keyring);
  if (payload === null) return empty;
  const parsed = schema.safeParse(payload);
  if (!parsed.success) throw new ShiminError('internal', { status: 500, cause: parsed.error });
  return parsed.data;
}

/** Stores the change; the state ends with the interaction. */
export async function saveState(deps: JourneyDeps, interaction: Interaction, state: JourneyState): Promise<void> {
  const id = idOf(interaction);
  if (await update(deps.db, id, state, deps.keyring)) return;
  await put(
    deps.db,
    {
      id,
      kind,
      interactionUid: interaction.cid,
      accountId: null,
      payload: state,
      expiresAt: interaction.expiresAt,
    },
    deps.keyring,
  );
}
