import { type AssurancePolicy, appRuleOf } from '../src/assurance/policy.ts';
import { type Proof, proofs } from '../src/assurance/worth.ts';

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** What a proof of this kind has to be; strengths and words are those of the one table, `assurance/worth.ts`. */
const rule = (proof: Pick<Proof, 'kind' | 'strength'>, maxAge: number | null, confirms: readonly string[] = []) =>
  ({ kind: proof.kind, minStrength: proof.strength, maxAge, confirms, sources: null, place: null }) as const;

/** Record in the police register, asked again every five years at the latest. */
const register = rule(proofs.population, 5 * year, proofs.population.confirms);
/** Record of the exit-entry administration: permits of Hong Kong, Macao and Taiwan residents, papers of foreigners. */
const permit = rule(proofs['exit-entry'], 5 * year, proofs['exit-entry'].confirms);
/** The person present matches the register's photo; faces change, so once a year. */
const face = rule(proofs.face, year, proofs.face.confirms);
const upstream = (strength: 'strong' | 'superior') => rule({ kind: 'upstream', strength }, year, register.confirms);
const counter = (officials: string) => rule(proofs.counter, 5 * year, [officials]);
const contact = rule(proofs.sms, null);

/**
 * What ties the person at the keyboard to a record whose name and number anybody may know: the number that they confirmed is
 * theirs at its carrier, they hold the card that a bank gave the person, or they are there with the person's face. It stays
 * good as long as the record does: it says whose account this is, not how somebody looks this year.
 */
const ties = [
  rule(proofs.carrier, 5 * year, [...register.confirms, 'own_phone']),
  rule(proofs.unionpay, 5 * year, [...register.confirms, 'bank_card']),
  { ...face, maxAge: 5 * year },
];

const anybody = (...rules: AssurancePolicy['levels'][number]['identity'][number]['rules'][number][]) => ({
  categories: null,
  independent: false,
  rules,
});
/** Whom the population register does not know; what it is for mainland residents, the exit-entry record is for them. */
const fromElsewhere = (...rules: Parameters<typeof anybody>) =>
  ({ ...anybody(...rules), categories: ['hong_kong', 'macao', 'taiwan', 'foreign'] }) as const;

const realName = [
  ...ties.map((tie) => anybody(register, tie)),
  ...ties.map((tie) => fromElsewhere(permit, tie)),
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

/** What our own admin console asks of staff; no level of citizens. */
export const staffLevel = 'urn:shimin:staff';

/** The city's first assurance policy: the four levels of the design, section 1. Admins change it from here on. */
export const defaultPolicy: AssurancePolicy = {
  version: 1,
  levels: [
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
      id: staffLevel,
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
  ],
  authenticationLabels: [
    { id: 'phr', authentication: [phishingResistant] },
    { id: 'phrh', authentication: [{ ...deviceBound, maxAge: 12 * hour }] },
  ],
  apps: {
    account: appRuleOf('urn:shimin:loa:1'),
    admin: appRuleOf(staffLevel),
    library: appRuleOf('urn:shimin:loa:1'),
    'social-insurance': appRuleOf('urn:shimin:loa:2'),
    'housing-fund': appRuleOf('urn:shimin:loa:2'),
  },
  defaultFloor: 'urn:shimin:loa:2',
};
