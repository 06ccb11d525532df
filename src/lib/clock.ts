/** The present moment, handed in so that tests can move it. */
export type Clock = () => Date;

export const systemClock: Clock = () => new Date();

/**
 * How much longer than anything could still count its record is kept, in milliseconds: a clock that was wrong and is set back
 * by less finds again what was used and what is locked. An hour covers a service that mends a clock, a wrong time zone and
 * nodes that disagree; a node whose clock is further back says that it isn't ready (`ops/clock-watch.ts`).
 */
export const clockMarginMs = 3_600_000;
