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
} as const;
/** The person present matches the register's photo; faces change, so once a year. */
const face = {
  kind: 'face',
  minStrength: 'strong',
  maxAge: year,
  confirms: ['liveness', 'photo'],
  sources: null,
} as const;
const upstream = (strength: 'strong' | 'superior') =>
  ({
    kind: 'upstream',
    minStrength: strength,
    maxAge: year,
    confirms: ['name', 'document_number'],
    sources: null,
  }) as const;
const counter = (officials: string) =>
  ({ kind: 'counter', minStrength: 'superior', maxAge: 5 * year, confirms: [officials], sources: null }) as const;

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

/** The city's first assurance policy: the four levels of the design, section 1. Admins change it from here on. */
export const defaultPolicy: AssurancePolicy = {
  version: 1,
  levels: [
    {
      id: 'urn:shimin:loa:1',
      name: 'registered',
      ial: 0,
      aal: 1,
      identity: [[{ kind: 'contact', minStrength: 'weak', maxAge: null, confirms: [], sources: null }]],
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
      identity: [[register], [upstream('strong')], [counter('officials:1')]],
      authentication: [twoFactors],
      rideOnSso: true,
      dominates: ['urn:shimin:loa:1'],
      labels: ['http://eidas.europa.eu/LoA/low'],
      equivalents: { guangdong: '三级', eidas: 'low' },
    },
    {
      id: 'urn:shimin:loa:3',
      name: 'real_person',
      ial: 2,
      aal: 2,
      identity: [[register, face], [upstream('superior')], [counter('officials:1')]],
      authentication: [phishingResistant],
      rideOnSso: true,
      dominates: ['urn:shimin:loa:2'],
      labels: ['http://eidas.europa.eu/LoA/substantial'],
      equivalents: { guangdong: '四级', eidas: 'substantial' },
    },
    {
      id: 'urn:shimin:loa:4',
      name: 'in_person',
      ial: 3,
      aal: 3,
      identity: [[counter('officials:2')]],
      authentication: [deviceBound],
      rideOnSso: false,
      dominates: ['urn:shimin:loa:3'],
      labels: ['http://eidas.europa.eu/LoA/high'],
      equivalents: { guangdong: '五级', eidas: 'high' },
    },
  ],
  authenticationLabels: [
    { id: 'phr', authentication: [phishingResistant] },
    { id: 'phrh', authentication: [{ ...deviceBound, maxAge: 12 * hour }] },
  ],
  apps: {
    account: { floor: 'urn:shimin:loa:1' },
    library: { floor: 'urn:shimin:loa:1' },
    'social-insurance': { floor: 'urn:shimin:loa:2' },
    'housing-fund': { floor: 'urn:shimin:loa:2' },
  },
  defaultFloor: 'urn:shimin:loa:2',
};
