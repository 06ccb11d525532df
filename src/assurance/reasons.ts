/** Why a person is asked for something, why a level is not held, why there is no way to it. Pages, tokens and audit share them. */
export const reasonCodes = [
  'app_minimum',
  'app_asked',
  'sign_in_again',
  'unknown_level',
  'register_unavailable',
  'upstream_unavailable',
  'face_unavailable',
  'needs_identity',
  'needs_authenticator',
  'needs_phishing_resistant',
  'needs_device_bound',
  'category_not_accepted',
  'source_not_accepted',
] as const;
export type ReasonCode = (typeof reasonCodes)[number];
