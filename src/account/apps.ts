import type Router from '@koa/router';
import { agreementNow, isDepartment, itemsOf } from '../assurance/release.ts';
import { takeConsentBack } from '../commands/give-consent.ts';
import { ShiminError } from '../lib/errors.ts';
import { listApps } from '../storage/apps.ts';
import { consentsOf } from '../storage/consents.ts';
import { seeOther } from '../web/forms.ts';
import { localeOf } from '../web/preferences.ts';
import { causeOf, doneKey, type Handler, param, withCitizen } from './context.ts';
import type { AccountDeps } from './deps.ts';

const apps: Handler = async (deps, ctx, { account }) => {
  const { i18n } = deps.renderer;
  const locale = localeOf(ctx, i18n);
  const [consents, all] = await Promise.all([consentsOf(deps.db, account.id), listApps(deps.db)]);
  const byId = new Map(all.map((app) => [app.id, app]));
  deps.renderer.render(ctx, 'account/apps', {
    apps: consents
      .filter((on) => on.clientId !== 'account')
      .flatMap((on) => {
        const { clientId, basis, givenAt } = on;
        const app = byId.get(clientId);
        const release = agreementNow(on, isDepartment(app?.metadata));
        if (release === null) return [];
        return [
          {
            grantId: clientId,
            name: app ? i18n.pick(app.name, locale) : clientId,
            purpose: app ? i18n.pick(app.purpose, locale) : '',
            items: itemsOf(release),
            passedOn: basis === 'city_rules',
            at: givenAt,
          },
        ];
      }),
    done: doneKey(ctx, ['account.apps.done_withdrawn', 'account.apps.done_stopped']),
  });
};

/** Taking back ends the app's tokens with it; it does not need signing in again, since it takes away and gives nothing. */
const withdraw: Handler = async (deps, ctx, { account }) => {
  const clientId = param(ctx, 'app');
  const was = await takeConsentBack(deps, { accountId: account.id, clientId, cause: causeOf(ctx) });
  if (was === null) throw new ShiminError('not_found', { status: 404 });
  seeOther(ctx, `/account/apps?done=apps.${was === 'agreed' ? 'done_withdrawn' : 'done_stopped'}`);
};

export function appRoutes(router: Router, deps: AccountDeps): void {
  router.get('/account/apps', withCitizen(deps, apps));
  router.post('/account/apps/:app/withdraw', withCitizen(deps, withdraw));
}
