import type { Fault } from './faults.ts';

/** Faults that only the rules of what was sent can tell, after its shape was found right. */
export class RequestFaults extends Error {
  readonly code: 'policy_invalid' | 'request_invalid' | 'app_invalid';
  readonly faults: readonly Fault[];

  constructor(code: RequestFaults['code'], faults: readonly Fault[]) {
    super(code);
    this.name = 'RequestFaults';
    this.code = code;
    this.faults = faults;
  }
}
