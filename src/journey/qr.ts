import type Router from '@koa/router';
import { arriveFromOtherDevice } from '../commands/cross-device.ts';
import { uncount } from '../commands/throttles.ts';
import { seeOther } from '../web/forms.ts';
import { causeOf, type Handler, withSituation } from './context.ts';
import type { JourneyDeps } from './deps.ts';
import { renderPage } from './pages.ts';
import { saveState } from './state.ts';

/** An approval that was on its way when the time was over. */
const graceMs = 5_000;

/**
 * GET /interaction/:uid/qr: the computer looks whether the phone has answered. Which question it asks about stands in the
 * state of the interaction, which only the browser with the interaction's cookie reaches: nothing in an address or a form
 * lets another browser ask (D19).
 */
const look: Handler = async (deps, ctx, situation) => {
  const { state, interaction, base, citizen } = situation;
  if (state.qr === null) return seeOther(ctx, base);
  const answer = await arriveFromOtherDevice(deps, {
    ticket: state.qr.ticket,
    interaction: interaction.cid,
    signedInAs: interaction.sessionAccountId ?? citizen?.account.id ?? null,
    cause: causeOf(ctx, situation),
  });
  const over = deps.clock().getTime() >= state.qr.until + graceMs;
  if (answer.kind === 'waiting' && !over)
    return renderPage(deps, ctx, situation, 'qr', { errors: {}, status: 200, again: true });
  await saveState(deps, interaction, { ...state, qr: null });
  if (answer.kind === 'signed_in') {
    await uncount(deps, 'qrAddress', deps.clientAddress(ctx));
    return seeOther(ctx, base);
  }
  const reason = answer.kind === 'refused' ? answer.reason : 'expired';
  return renderPage(deps, ctx, situation, 'qr-ended', { errors: {}, status: 200, reason });
};

export function qrRoutes(router: Router, deps: JourneyDeps): void {
  router.get('/interaction/:uid/qr', withSituation(deps, look));
}
