import type { z } from 'zod';
import type { Proof } from '../assurance/worth.ts';
import type { Clock } from '../lib/clock.ts';
import type { Upstream } from '../lib/upstream.ts';
import type { ProofingMethod } from './method.ts';

/** A check of what a person states at somebody else's books: what it asks, and the most that an answer is worth. */
export interface CheckTraits {
  /** Also its source in the ledger. */
  readonly id: string;
  /** What people need for it, rounded up. */
  readonly minutes: number;
  /** Documents that it knows, by the words of src/identity/documents.ts; the first is offered first. */
  readonly documents: readonly [string, ...string[]];
  /** Asked besides name and document. */
  readonly asks: readonly ('phone' | 'bankCard')[];
  /** Asked with what the account has: the person proved and the number confirmed here. Nobody types anything for it. */
  readonly ofAccount?: true;
  /** A row of the one table. */
  readonly yields: Proof;
  /** Locale keys of what to have at hand (`have.*`). */
  readonly have: readonly string[];
}

export interface CheckPorts {
  readonly upstream: Upstream;
  readonly allowLoopback: boolean;
  readonly clock: Clock;
}

/** One line of `checks.ts`. */
export interface CheckModule {
  readonly traits: CheckTraits;
  /** What is configured; every value a string, so that a form and a file can hold it. */
  readonly settings: z.ZodObject;
  /** Those of the settings that are sealed at rest and never shown again. */
  readonly secrets: readonly string[];
  /** Those of several lines, such as keys in PEM. */
  readonly multiline?: readonly string[];
  /** @throws ZodError for settings that are not whole. */
  open(settings: unknown, ports: CheckPorts): ProofingMethod;
}

/** A check that is set up and switched on. */
export interface OpenCheck {
  readonly traits: CheckTraits;
  readonly healthy: boolean;
  readonly method: ProofingMethod;
}

/** The areas' view of all checks; the composition root binds it to their settings. */
export interface CheckDoor {
  list(): Promise<readonly OpenCheck[]>;
  /** @throws ShiminError `bridge_off` for one that is switched off, or never was set up. */
  get(id: string): Promise<OpenCheck>;
}
