import { z } from 'zod';
import { proofs } from '../assurance/worth.ts';
import { carrierCheck, carrierCheckSecrets, carrierCheckSettings } from './carrier.ts';
import type { CheckModule } from './check.ts';
import { exitEntryDocuments, exitEntryService } from './exit-entry.ts';
import { unionPayCheck, unionPaySecrets, unionPaySettings } from './unionpay.ts';

const exitEntrySettings = z.object({ baseUrl: z.url(), clientId: z.string().min(1), secret: z.string().min(8) });

/** Every check there is, besides the city's own register: one entry each. */
export const checkModules: readonly CheckModule[] = [
  {
    traits: {
      id: 'exit-entry',
      minutes: 3,
      documents: exitEntryDocuments,
      asks: [],
      yields: proofs['exit-entry'],
      have: ['have.permit'],
    },
    settings: exitEntrySettings,
    secrets: ['secret'],
    open: (settings, ports) => exitEntryService({ ...exitEntrySettings.parse(settings), ...ports }),
  },
  {
    traits: {
      id: 'unionpay',
      minutes: 2,
      documents: ['cn_resident_id', 'cn_hm_travel_permit', 'cn_tw_travel_permit'],
      asks: ['phone', 'bankCard'],
      yields: proofs.unionpay,
      have: ['have.bankCard'],
    },
    settings: unionPaySettings,
    secrets: [...unionPaySecrets],
    multiline: ['signKey', 'encryptKey', 'verifyKeys'],
    open: (settings, ports) => unionPayCheck(settings, ports),
  },
  {
    traits: {
      id: 'carrier',
      minutes: 1,
      documents: ['cn_resident_id'],
      asks: [],
      ofAccount: true,
      yields: proofs.carrier,
      have: ['have.device'],
    },
    settings: carrierCheckSettings,
    secrets: [...carrierCheckSecrets],
    open: (settings, ports) => carrierCheck(settings, ports),
  },
];
