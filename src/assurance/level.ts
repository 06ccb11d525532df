/** Identity assurance level, NIST SP 800-63A-4; 0 is "no identity proofing". */
export type Ial = 0 | 1 | 2 | 3;
/** Authentication assurance level, NIST SP 800-63B-4; 0 is "not authenticated". */
export type Aal = 0 | 1 | 2 | 3;
