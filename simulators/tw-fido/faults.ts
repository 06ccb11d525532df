/** Codes that a call may answer with although nothing is wrong with it, and at which call. */
export const codeFaults = {
  ticket_service_unknown: ['ticket', 'SP-API-ATH-01-SPSVCID_NF'],
  ticket_checksum: ['ticket', 'SP-API-ATH-01-INV_SP_CHECKSUM'],
  ticket_no_app: ['ticket', 'SP-API-ATH-01-IDNUM_USERPROF_NF'],
  ticket_number_form: ['ticket', 'SP-API-ATH-01-PM_IDN_FT_ERR'],
  ticket_time: ['ticket', 'SP-API-ATH-01-SPTKT_TIME_ORV'],
  ticket_length: ['ticket', 'SP-API-ATH-01-SIGNDATA_LEN_LIMIT'],
  ticket_log: ['ticket', 'SP-API-ATH-01-TXNLOG_INS_ERR'],
  ticket_code_missing: ['ticket', ''],
  result_overdue: ['result', 'SP-API-ATH-02-SPTKT_OVD'],
  result_redeemed: ['result', 'SP-API-ATH-02-SPTKTID_SPTKT_RDM'],
  result_cancelled: ['result', 'APP_USER_CANCEL'],
  result_sign_failure: ['result', 'APP_SIGN_FAILURE'],
  result_new_code: ['result', 'SP-API-ATH-02-SOMETHING_NEW'],
  result_code_missing: ['result', ''],
  pending_20002: ['result', '20002'],
  pending_20003: ['result', '20003'],
  pending_not_logged: ['result', 'SP-API-ATH-02-SPTKTID_TXNLOG_NF'],
} as const;
export type CodeFault = keyof typeof codeFaults;

export const ticketFaults = [
  'ticket_digest',
  'ticket_of_another',
  'ticket_operation',
  'ticket_no_json',
  'ticket_names_twice',
  'ticket_missing',
  'ticket_third_part',
  'ticket_idp_checksum',
] as const;

export const resultFaults = [
  'number_of_another',
  'number_upper_case',
  'number_missing',
  'signature_of_other_data',
  'signature_of_other_key',
  'signature_replayed',
  'signature_sha1',
  'signature_changed',
  'signature_missing',
  'certificate_missing',
  'certificate_garbage',
  'certificate_and_more',
  'result_idp_checksum',
  'result_checksum_missing',
  'result_checksum_of_another_key',
] as const;

/** Certificates that are not what they must be; all of them signed what was asked with their own key. */
export const certificateFaults = [
  'certificate_of_another',
  'certificate_self_signed',
  'certificate_of_other_root',
  'certificate_by_citizen',
  'certificate_expired',
  'certificate_not_yet',
  'certificate_authority',
  'certificate_encipher',
  'certificate_critical',
  'certificate_short_key',
  'certificate_elliptic',
  'certificate_nameless',
] as const;

export const listFaults = [
  'list_old',
  'list_future',
  'list_of_other_key',
  'list_of_other_authority',
  'list_garbage',
  'list_partial',
  'list_changes',
  'list_gone',
] as const;

const isCodeFault = (name: string): name is CodeFault => Object.hasOwn(codeFaults, name);
export const codeFaultNames: readonly CodeFault[] = Object.keys(codeFaults).filter(isCodeFault);

export const twFidoFaults = [
  ...codeFaultNames,
  ...ticketFaults,
  ...resultFaults,
  ...certificateFaults,
  ...listFaults,
] as const;
