/** Remembers on this device how its user signed in last: a bridge's id. It names nobody. */
export const lastWayCookie = 'way';
