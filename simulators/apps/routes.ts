import { randomUUID, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Router from '@koa/router';
import type { Context } from 'koa';
import { type AppConfig, meets } from './config.ts';
import { Failure, failureOf } from './failure.ts';
import { negotiate, textsOf } from './language.ts';
import { homePage, type PageView, signedOutPage } from './pages.ts';
import { AMOUNTS, type FundBook } from './records.ts';
import type { RelyingParty, StartOptions } from './relying-party.ts';
import { money } from './service-pages.ts';
import { remember, type Session, type SessionStore, type SignedIn, takePending } from './sessions.ts';

export interface RouteParts {
  readonly app: AppConfig;
  readonly base: string;
  readonly provider: RelyingParty;
  readonly sessions: SessionStore;
  readonly funds: FundBook;
}

const PROMPTS = ['none', 'login', 'consent'] as const;
const STYLE = readFileSync(new URL('./style.css', import.meta.url), 'utf8');

export function viewOf(app: AppConfig, ctx: Context): PageView {
  const locale = negotiate(ctx);
  return { app, locale, t: textsOf(locale) };
}

/** One field of a form body; a field given twice, or anything but text, counts as absent. */
function field(ctx: Context, name: string): string | undefined {
  const body: unknown = ctx.request.body;
  const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
  return typeof value === 'string' ? value : undefined;
}

function sameText(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

function seeOther(ctx: Context, to: string): void {
  ctx.redirect(to);
  ctx.status = 303;
}

export function createRoutes({ app, base, provider, sessions, funds }: RouteParts): Router {
  const router = new Router();

  async function leave(ctx: Context, session: Session, options: Omit<StartOptions, 'locale'>): Promise<void> {
    const { url, pending } = await provider.start({ ...options, locale: viewOf(app, ctx).locale });
    remember(session, pending);
    seeOther(ctx, url.href);
  }

  /** The session behind a form that was posted by our own page. Other ports of localhost are "same site", so SameSite alone is not enough. */
  function formSession(ctx: Context): { session: Session; person: SignedIn } {
    const session = sessions.find(ctx);
    const { person } = session ?? {};
    if (session === undefined || person === undefined) throw new Failure('not_signed_in', 403);
    const site = ctx.get('sec-fetch-site');
    const ours = site === '' || site === 'same-origin';
    if (!ours || !sameText(field(ctx, '_csrf') ?? '', session.csrf)) throw new Failure('form_expired', 403);
    return { session, person };
  }

  router.get('/style.css', (ctx) => {
    ctx.type = 'text/css';
    ctx.set('Cache-Control', 'public, max-age=300');
    ctx.body = STYLE;
  });

  router.get('/', (ctx) => {
    const session = sessions.find(ctx);
    const view = viewOf(app, ctx);
    ctx.type = 'html';
    ctx.body = session?.person
      ? homePage(view, session, session.person, funds.of(session.person.sub))
      : signedOutPage(view, session);
    if (session !== undefined) delete session.notice;
  });

  router.get('/sign-in', async (ctx) => {
    const prompt = PROMPTS.find((each) => each === ctx.query.prompt);
    const level = app.moreLevels?.find((each) => each === ctx.query.level) ?? app.signInLevel;
    await leave(ctx, sessions.open(ctx), { level, ...(prompt !== undefined && { prompt }) });
  });

  router.get('/callback', async (ctx) => {
    const session = sessions.find(ctx);
    const pending = takePending(session, ctx.query.state);
    if (session === undefined || pending === undefined) throw new Failure('state_unknown', 400);
    const person = await provider.finish(new URL(ctx.originalUrl, base), pending);
    // The provider is asked for the level, but the app decides: an answer below it changes nothing here (OIDC Core 5.5.1.1, 3.1.3.7 step 12).
    if (!meets(person.acr, pending.level))
      throw new Failure('acr_not_met', 403, { description: `acr: ${person.acr ?? 'none'}` });
    if (pending.expectedSub !== undefined && pending.expectedSub !== person.sub) throw new Failure('other_person', 403);

    const before = session.person?.sub === person.sub ? session.person : undefined;
    const kept = { ...person.tokens, refresh_token: person.tokens.refresh_token ?? before?.tokens.refresh_token };
    const next = sessions.renew(ctx, session, { ...person, tokens: kept });
    if (pending.withdraw !== undefined) {
      const { locale } = viewOf(app, ctx);
      const params = { amount: money(locale, pending.withdraw.amount) };
      next.notice = funds.withdraw(person.sub, pending.withdraw)
        ? { key: 'withdrawDone', params, id: 'withdraw-done' }
        : { key: 'withdrawNotEnough', params, id: 'withdraw-refused' };
    }
    seeOther(ctx, '/');
  });

  router.post('/withdraw', async (ctx) => {
    const { session, person } = formSession(ctx);
    const amount = AMOUNTS.find((each) => String(each) === field(ctx, 'amount'));
    if (app.actionLevel === undefined) throw new Failure('not_found', 404);
    if (amount === undefined) throw new Failure('form_expired', 400);
    await leave(ctx, session, {
      level: app.actionLevel,
      essential: true,
      idTokenHint: person.idToken,
      expectedSub: person.sub,
      withdraw: { id: randomUUID(), amount },
    });
  });

  router.post('/refresh', async (ctx) => {
    const { session, person } = formSession(ctx);
    if (person.tokens.refresh_token === undefined) throw new Failure('invalid_grant', 400);
    session.refreshing ??= provider
      .refresh(person)
      .then((refreshed) => {
        // A logout that arrived meanwhile wins.
        if (session.person === undefined) return;
        session.person = refreshed;
        session.notice = { key: 'notice.refreshed', id: 'refreshed' };
      })
      .finally(() => {
        delete session.refreshing;
      });
    try {
      await session.refreshing;
    } catch (error) {
      const failure = failureOf(error);
      // The provider took the grant back (revoked, suspended, level lost): this service must not go on as if it had not.
      if (failure.code === 'invalid_grant') sessions.end(session);
      throw failure;
    }
    seeOther(ctx, '/');
  });

  router.post('/userinfo', async (ctx) => {
    const { session, person } = formSession(ctx);
    const read = await provider.userinfo(person);
    if (session.person !== undefined) {
      session.person = { ...session.person, userinfo: read.userinfo };
      session.notice = { key: 'notice.userinfo', id: 'userinfo-read' };
    }
    seeOther(ctx, '/');
  });

  router.post('/sign-out', async (ctx) => {
    const { session, person } = formSession(ctx);
    sessions.end(session, { key: 'notice.signed-out' });
    // Signed out here whatever happens there: an unreachable provider must not keep the person in.
    const url = await provider.endSessionUrl(person.idToken, viewOf(app, ctx).locale).catch(() => undefined);
    seeOther(ctx, url?.href ?? '/');
  });

  router.post('/backchannel-logout', async (ctx) => {
    // Back-Channel Logout 1.0 2.8: 200 when done, 400 with a JSON error otherwise, never cached.
    ctx.set('Cache-Control', 'no-store');
    try {
      sessions.endByProvider(await provider.verifyLogoutToken(field(ctx, 'logout_token') ?? ''));
      ctx.status = 200;
      ctx.body = '';
    } catch (error) {
      ctx.status = 400;
      ctx.body = {
        error: 'invalid_request',
        error_description: error instanceof Error ? error.message : 'invalid logout token',
      };
    }
  });

  return router;
}
