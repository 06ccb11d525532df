import type { Context } from 'koa';
import type { HashQueue } from '../authenticators/password.ts';
import type { BridgeDoor } from '../bridges/index.ts';
import type { CommandDeps } from '../commands/command.ts';
import type { ServiceHealth } from '../commands/offers.ts';
import type { Log } from '../lib/log.ts';
import type { Interaction, Outcome } from '../oidc/interaction.ts';
import type { CheckDoor } from '../proofing/check.ts';
import type { FaceService } from '../proofing/face.ts';
import type { PopulationRegister } from '../proofing/population.ts';
import type { BrowserMarks } from '../web/browser-mark.ts';
import type { Renderer } from '../web/render.ts';

/** The engine as the journey sees it; the composition root binds it to the provider of the moment. */
export interface EngineDoor {
  open(ctx: Context, uid: string): Promise<Interaction>;
  finish(ctx: Context, outcome: Outcome): Promise<string>;
  /** The address of the same request once more, as a new one. */
  again(ctx: Context): Promise<string>;
  refuse(
    ctx: Context,
    error: 'access_denied' | 'unmet_authentication_requirements' | 'temporarily_unavailable',
    description: string,
  ): Promise<string>;
}

export interface JourneyDeps extends CommandDeps {
  readonly log: Log;
  readonly engine: EngineDoor;
  readonly renderer: Renderer;
  readonly rpId: string;
  /** Origins whose WebAuthn responses count. */
  readonly origins: readonly string[];
  readonly issuer: string;
  readonly hashQueue: HashQueue;
  readonly bridges: BridgeDoor;
  readonly checks: CheckDoor;
  readonly population: PopulationRegister;
  readonly face: FaceService;
  /** Where the face service's own pages are; forms may lead there. */
  readonly faceOrigin: string;
  /** Which upstreams answer, as far as their circuit breakers know; asking them here would make every page wait. */
  readonly health: () => ServiceHealth;
  readonly sendSms: (message: { to: string; text: string; template: string }) => Promise<void>;
  readonly clientAddress: (ctx: Context) => string;
  readonly browsers: BrowserMarks;
}
