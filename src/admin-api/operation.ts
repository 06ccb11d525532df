import { z } from 'zod';
import type { By } from '../commands/change-rules.ts';
import type { Operation, Role } from '../commands/permissions.ts';
import type { Locale } from '../i18n/index.ts';
import type { ApiDeps } from './deps.ts';
import { type Fault, faultsOf, parse } from './faults.ts';

type DeepReadonly<T> = T extends readonly (infer U)[]
  ? readonly DeepReadonly<U>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** What a schema of an answer takes. */
export type Body<S extends z.ZodType> = DeepReadonly<z.input<S>>;

export interface Caller {
  readonly clientId: string;
  readonly by: By;
  readonly roles: readonly Role[];
  readonly locale: Locale;
}

/** One request that may be answered: the caller has the role, and everything it sent has been checked. */
export interface Call<P, Q, B> extends Caller {
  /** Inside the transaction of a change, `deps.db` is that transaction. */
  readonly deps: ApiDeps;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The revision that the caller saw; empty where the operation asks for none. */
  readonly revision: string;
}

export interface Reply<T> {
  readonly body: T;
  /** The revision of what is answered, for If-Match. */
  readonly revision?: string | number;
  /** Where more of the list is: the value of `after`. */
  readonly next?: string | number | null;
  /** Once the change is committed; not when its answer is given again. */
  readonly after?: () => Promise<unknown>;
}

export const methods = ['get', 'post', 'put'] as const;
export type Method = (typeof methods)[number];
export const tags = [
  'Policy',
  'Changes',
  'Apps',
  'Sources',
  'Staff',
  'Audit',
  'Decisions',
  'Counts',
  'People',
] as const;

interface Spec<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, S extends z.ZodType> {
  /** Name in the description: lower camel case, unique. */
  readonly id: string;
  readonly method: Method;
  /** Under the API's own path, parameters in braces. */
  readonly path: string;
  readonly tag: (typeof tags)[number];
  readonly summary: string;
  readonly description?: string;
  readonly permission: Operation;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly answer: { readonly status: 200 | 201; readonly description: string; readonly schema: S };
  /** Needs If-Match: it goes on from a revision that the caller saw. */
  readonly onRevision?: boolean;
  /** The answer says a revision. */
  readonly hasRevision?: boolean;
  /** A POST that works something out and changes nothing; it takes no Idempotency-Key. */
  readonly computes?: boolean;
  readonly handler: (call: Call<z.output<P>, z.output<Q>, z.output<B>>) => Promise<Reply<Body<S>>>;
}

export interface RawRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

export type Run = (deps: ApiDeps, caller: Caller, revision: string) => Promise<Reply<unknown>>;

/** An operation as the router and the description see it. */
export interface ApiOperation extends Omit<Spec<z.ZodType, z.ZodType, z.ZodType, z.ZodType>, 'handler'> {
  readonly takesBody: boolean;
  readonly changes: boolean;
  /** Checks all parts at once: every fault, or what to run. */
  readonly prepare: (raw: RawRequest) => { ok: true; run: Run } | { ok: false; faults: Fault[] };
}

/** For what an operation does not take: anything there is a fault. */
export const none = z.strictObject({});
export const noBody = z.undefined();

export function operation<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, S extends z.ZodType>(
  spec: Spec<P, Q, B, S>,
): ApiOperation {
  const { handler, ...told } = spec;
  return {
    ...told,
    takesBody: !spec.body.safeParse(undefined).success,
    changes: spec.method !== 'get' && spec.computes !== true,
    prepare(raw) {
      const params = parse(spec.params, raw.params);
      const query = parse(spec.query, raw.query);
      const body = parse(spec.body, raw.body);
      if (params.success && query.success && body.success) {
        const sent = { params: params.data, query: query.data, body: body.data };
        return { ok: true, run: (deps, caller, revision) => handler({ deps, ...caller, ...sent, revision }) };
      }
      const faults = [
        ...(params.success ? [] : faultsOf(params.error, 'path')),
        ...(query.success ? [] : faultsOf(query.error, 'query')),
        ...(body.success ? [] : faultsOf(body.error, 'body')),
      ];
      return { ok: false, faults };
    },
  };
}
