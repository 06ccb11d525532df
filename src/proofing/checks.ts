import { z } from 'zod';
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
      yields: { kind: 'document', strength: 'strong', confirms: ['name', 'document_number'] },
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
      yields: { kind: 'elements', strength: 'fair', confirms: ['name', 'document_number', 'phone', 'bank_card'] },
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
      asks: ['phone'],
      yields: { kind: 'elements', strength: 'fair', confirms: ['name', 'document_number', 'phone'] },
      have: ['have.idCard'],
    },
    settings: carrierCheckSettings,
    secrets: [...carrierCheckSecrets],
    open: (settings, ports) => carrierCheck(settings, ports),
  },
];
