import { z } from 'zod';

const hex32 = z.string().regex(/^[0-9a-f]{32}$/i);

/** What an authorization code is exchanged for; milliseconds throughout. */
export const tokenContent = z.object({
  accessToken: hex32,
  tokenType: z.literal('Bearer'),
  issueAt: z.number().int().positive(),
  expiresIn: z.number().positive(),
  openID: z.string().min(1).max(400),
  userType: z.string().max(60).nullish(),
  scope: z.string().max(400),
});
export type Token = z.infer<typeof tokenContent>;

/**
 * The tokenised openID: base64, URL-encoded when it was sent. One encoding is taken off and never a second one, nor is `+`
 * read as a space: both make another name of it (reference 4.3). Null: it is none.
 */
export function openIdOf(given: string): string | null {
  let plain = given;
  if (given.includes('%')) {
    try {
      plain = decodeURIComponent(given);
    } catch {
      return null;
    }
  }
  return /^[A-Za-z0-9+/]{16,300}={0,2}$/.test(plain) ? plain : null;
}

/** Clocks may differ by this much. */
const TOLERANCE_MS = 30_000;

/** A token is made when its code is exchanged; one from before this sign-in, or from the future, is another one's. */
export function isTimely({ issueAt, expiresIn }: Token, startedAt: number, now: number): boolean {
  const ends = expiresIn > 1e12 ? expiresIn : issueAt + expiresIn;
  return issueAt >= startedAt - TOLERANCE_MS && issueAt <= now + TOLERANCE_MS && ends > now;
}
