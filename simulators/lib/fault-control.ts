import { type FaultSwitch, faultSwitch, faults } from './faults.ts';
import { fieldsOf, text } from './http.ts';

export interface FaultControl<Own extends string> {
  /** Faults of the line, to be put before the routes. */
  readonly line: FaultSwitch;
  /** What is on just now; `none`. */
  readonly name: () => string;
  set(body: unknown): boolean;
  /** The fault of an answer that is on, if it is one of these; each look at it counts against `times`. */
  take<Some extends Own>(...which: readonly Some[]): Some | null;
}

/** One switch for the faults of the line and the faults of answers that arrive in good order: one at a time is on. */
export function faultControl<Own extends string>(own: readonly Own[]): FaultControl<Own> {
  const line = faultSwitch();
  let on: Own | null = null;
  let left: number | null = null;
  return {
    line,
    name: () => on ?? line.state.fault,
    set(body) {
      const fields = fieldsOf(body);
      const wanted = text(fields.fault);
      const ofAnswers = own.find((known) => known === wanted) ?? null;
      const ofLine = faults.find((known) => known === wanted && known !== 'wrong');
      if (ofAnswers === null && ofLine === undefined) return false;
      on = ofAnswers;
      left = typeof fields.times === 'number' && fields.times > 0 ? fields.times : null;
      return line.set({ ...fields, fault: ofLine ?? 'none' }).ok;
    },
    take(...which) {
      const taken = which.find((one) => one === on);
      if (taken === undefined) return null;
      if (left !== null) {
        left -= 1;
        if (left === 0) on = null;
      }
      return taken;
    },
  };
}
