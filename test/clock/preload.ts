/**
 * Loaded before anything else (`--import`, by NODE_OPTIONS) into every process of a test run under another clock, and
 * into the processes that those start: replaces `Date`, which all our code and all our packages ask for the time.
 * Monotonic clocks (`performance.now`, timers) go on as they are: what lasts a second lasts a second.
 */
const offset = ownOffset();

/** A moment is met by each test file: the first process to begin settles the offset, those it starts share it. */
function ownOffset(): number {
  const { TEST_CLOCK_BY: by, TEST_CLOCK_TO: to } = process.env;
  if (by !== undefined) return Number(by);
  if (to === undefined) return 0;
  const settled = Number(to) - Date.now();
  process.env.TEST_CLOCK_BY = String(settled);
  return settled;
}

if (offset !== 0) {
  const Real = Date;
  const now = () => Real.now() + offset;
  function Shifted(this: unknown, ...given: unknown[]): unknown {
    if (new.target === undefined) return new Real(now()).toString();
    return Reflect.construct(Real, given.length === 0 ? [now()] : given, new.target === Shifted ? Real : new.target);
  }
  Object.defineProperties(Shifted, {
    ...Object.getOwnPropertyDescriptors(Real),
    now: { value: now, configurable: true, writable: true },
  });
  // `value.constructor === Date` goes on to hold.
  Real.prototype.constructor = Shifted as DateConstructor;
  globalThis.Date = Shifted as DateConstructor;
}
