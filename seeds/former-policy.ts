import type { AssurancePolicy } from '../src/assurance/policy.ts';

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** Record in the police register, asked again every five years at the latest. */
const register = {
  kind: 'population',
  minStrength: 'strong',
  maxAge: 5 * year,
  confirms: ['name', 'document_number'],
  sources: null,
  place: null,
} as const;
/** Record of the exit-entry administration: permits of Hong Kong, Macao and Taiwan residents, papers of foreigners. */
const permit = { ...register, kind: 'document' } as const;
/** The person present matches the register's photo; faces change, so once a year. */
const face = { ...register, kind: 'face', maxAge: year, confirms: ['liveness', 'photo'] } as const;
const upstream = (strength: 'strong' | 'superior') =>
  ({ ...register, kind: 'upstream', minStrength: strength, maxAge: year }) as const;
const counter = (officials: string) =>
  ({ ...register, kind: 'counter', minStrength: 'superior', confirms: [officials] }) as const;
const contact = { ...register, kind: 'contact', minStrength: 'weak', maxAge: null, confirms: [] } as const;

const anybody = (...rules: AssurancePolicy['levels'][number]['identity'][number]['rules'][number][]) => ({
  categories: null,
  independent: false,
  rules,
});
/** Whom the population register does not know; what it is for mainland residents, the exit-entry record is for them. */
const fromElsewhere = (...rules: Parameters<typeof anybody>) =>
  ({ ...anybody(...rules), categories: ['hong_kong', 'macao', 'taiwan', 'foreign'] }) as const;

/** One record of a bank or a carrier is little; two that know nothing of each other and agree are a real name. */
const elements = (...sources: string[]) =>
  ({ ...register, kind: 'elements', minStrength: 'fair', maxAge: year, sources }) as const;

const realName = [
  anybody(register),
  fromElsewhere(permit),
  { ...anybody(elements('carrier'), elements('bank', 'unionpay')), independent: true },
  anybody(upstream('strong')),
  anybody(counter('officials:1')),
];
/** Whoever showed who they are also has what a registration shows, so that each level really contains the one below. */
const registered = [anybody(contact), ...realName];

/** Two different factors, or a passkey with user verification, which is both (SP 800-63B-4 2.2: 24 hours at most). */
const twoFactors = {
  factors: 2,
  userVerified: false,
  phishingResistant: false,
  deviceBound: false,
  maxAge: day,
} as const;
const phishingResistant = {
  factors: 2,
  userVerified: true,
  phishingResistant: true,
  deviceBound: false,
  maxAge: 12 * hour,
} as const;
const deviceBound = {
  factors: 2,
  userVerified: true,
  phishingResistant: true,
  deviceBound: true,
  maxAge: 15 * minute,
} as const;

/**
 * The levels of the default policy until 30 November 2026: frozen, so that an installation that still has them is known by
 * them (`renewDefaultPolicy`). A name and a number alone were a real name then.
 */
export const formerLevels: AssurancePolicy['levels'] = [
  {
    id: 'urn:shimin:loa:1',
    name: 'registered',
    ial: 0,
    aal: 1,
    identity: registered,
    authentication: [
      { factors: 1, userVerified: false, phishingResistant: false, deviceBound: false, maxAge: 30 * day },
    ],
    rideOnSso: true,
    dominates: [],
    labels: [],
    equivalents: { guangdong: '二级' },
  },
  {
    id: 'urn:shimin:loa:2',
    name: 'real_name',
    ial: 1,
    aal: 2,
    identity: realName,
    authentication: [twoFactors],
    rideOnSso: true,
    dominates: ['urn:shimin:loa:1'],
    labels: ['http://eidas.europa.eu/LoA/low'],
    equivalents: { guangdong: '三级', eidas: 'low', singpass: 'urn:singpass:authentication:loa:2' },
  },
  {
    id: 'urn:shimin:loa:3',
    name: 'real_person',
    ial: 2,
    aal: 2,
    identity: [
      anybody(register, face),
      fromElsewhere(permit, face),
      anybody(upstream('superior')),
      anybody(counter('officials:1')),
    ],
    authentication: [phishingResistant],
    rideOnSso: true,
    dominates: ['urn:shimin:loa:2'],
    labels: ['http://eidas.europa.eu/LoA/substantial'],
    equivalents: { guangdong: '四级', eidas: 'substantial', singpass: 'urn:singpass:authentication:loa:3' },
  },
  {
    id: 'urn:shimin:loa:4',
    name: 'in_person',
    ial: 3,
    aal: 3,
    identity: [anybody(counter('officials:2'))],
    authentication: [deviceBound],
    rideOnSso: false,
    dominates: ['urn:shimin:loa:3'],
    labels: ['http://eidas.europa.eu/LoA/high'],
    equivalents: { guangdong: '五级', eidas: 'high' },
  },
  // Last and beside the order, so that it is never what a citizen is answered with (docs/architecture.md).
  {
    id: 'urn:shimin:staff',
    name: 'staff',
    ial: 0,
    aal: 2,
    identity: registered,
    authentication: [{ ...phishingResistant, maxAge: 30 * minute }],
    rideOnSso: true,
    dominates: [],
    labels: [],
    equivalents: {},
  },
];
