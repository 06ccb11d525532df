import { createHmac } from 'node:crypto';
import Router from '@koa/router';
import type { Context } from 'koa';
import { faultSwitch } from '../lib/faults.ts';
import { fieldsOf, readBody, readJson, text } from '../lib/http.ts';
import { type Caller, callers } from '../lib/signing.ts';
import type { Notice } from './notices.ts';
import type { Register } from './register.ts';
import type { Resident } from './residents.ts';

export interface PopulationOptions {
  readonly register: Register;
  readonly clients: Readonly<Record<string, string>>;
  readonly perMinute: number;
  /** Tells subscribers what happened to a person. */
  readonly tell?: (notice: Notice) => Promise<boolean>;
}

const statuses = ['active', 'deceased', 'cancelled'] as const;

/** Width and the middle dot's code points; a register compares what its clerks would. */
const fold = (name: string) => name.normalize('NFKC').replaceAll(/[\s·•・‧･∙]/gu, '');

/** The police population register (公安人口库): README.md has its protocol. */
export function populationRoutes({ register, clients, perMinute, tell }: PopulationOptions) {
  const router = new Router({ prefix: '/population' });
  const switches = faultSwitch();
  const guard: Caller = callers(clients, perMinute);
  const byRef = new Map<string, string>();
  const refOf = (number: string, client: string) => {
    const ref = `rec_${createHmac('sha256', 'population-register').update(`${client}\n${number}`).digest('base64url').slice(0, 32)}`;
    byRef.set(ref, number);
    return ref;
  };

  router.get('/_control', (ctx) => {
    ctx.body = { ...switches.state, residents: register.size };
  });
  router.put('/_control', async (ctx) => {
    const result = switches.set(await readJson(ctx));
    ctx.status = result.ok ? 200 : 400;
    ctx.body = result.ok ? switches.state : { error: 'invalid', message: result.message };
  });
  router.put('/_control/people/:number', async (ctx) => {
    const { status: wanted } = fieldsOf(await readJson(ctx));
    const status = statuses.find((known) => known === wanted);
    const changed = status !== undefined && register.setStatus(String(ctx.params.number), status);
    ctx.status = changed ? 200 : 404;
    ctx.body = changed ? { number: ctx.params.number, status } : { error: 'not_found' };
  });

  // What a registry clerk does: the person's fate changes, and those who asked to be told are told.
  router.post('/people/:number/fate', async (ctx) => {
    const { status: wanted } = fieldsOf(await readJson(ctx));
    const status = statuses.find((known) => known === wanted);
    const number = String(ctx.params.number);
    if (status === undefined || !register.setStatus(number, status)) return answer(ctx, 404, { error: 'not_found' });
    const notice = { document_type: 'cn_resident_id', document_number: number, status };
    answer(ctx, 200, { number, status, notified: tell ? await tell(notice) : false });
  });

  router.use(switches.middleware((ctx) => ctx.path.startsWith('/population/v1/')));

  const signed =
    (work: (fields: Readonly<Record<string, unknown>>, client: string, wrong: boolean) => [number, object]) =>
    async (ctx: Context) => {
      const body = await readBody(ctx);
      if (body === null) return answer(ctx, 413, { error: 'too_large' });
      const refusal = guard.refusal({ method: ctx.method, path: ctx.path, body, header: (name) => ctx.get(name) });
      if (refusal === 'rate_limited') {
        ctx.set('Retry-After', '60');
        return answer(ctx, 429, { error: refusal });
      }
      if (refusal !== null) return answer(ctx, 401, { error: refusal });
      let json: unknown;
      try {
        json = JSON.parse(body);
      } catch {
        return answer(ctx, 400, { error: 'invalid_json' });
      }
      const [status, result] = work(fieldsOf(json), ctx.get('x-client-id'), ctx.state.wrong === true);
      answer(ctx, status, result);
    };

  router.post(
    '/v1/match',
    signed((fields, client, wrong) => {
      const [requestId, name, number] = [text(fields.request_id), text(fields.name), text(fields.document_number)];
      if (requestId === '' || name === '' || number === '' || text(fields.purpose) === '')
        return [400, { error: 'invalid_request' }];
      if (fields.document_type !== 'cn_resident_id') return [200, { request_id: requestId, result: 'refused' }];
      const resident = register.find(number);
      // A register that mixes its answers up: somebody else's request and record.
      if (wrong)
        return [
          200,
          { request_id: 'another-request', result: 'match', record: recordOf(register.sample(1)[0], client) },
        ];
      if (resident === undefined) return [200, { request_id: requestId, result: 'not_found' }];
      if (fold(resident.name) !== fold(name)) return [200, { request_id: requestId, result: 'mismatch' }];
      return [200, { request_id: requestId, result: 'match', record: recordOf(resident, client) }];
    }),
  );
  router.post(
    '/v1/status',
    signed((fields) => {
      const resident = register.find(byRef.get(text(fields.ref)) ?? '');
      return resident ? [200, { ref: fields.ref, status: resident.status }] : [404, { error: 'not_found' }];
    }),
  );
  router.post(
    '/v1/photo-score',
    signed((fields) => {
      const resident = register.find(byRef.get(text(fields.ref)) ?? '');
      if (!resident) return [404, { error: 'not_found' }];
      if (text(fields.capture) === '') return [400, { error: 'invalid_request' }];
      return [200, { ref: fields.ref, score: fields.capture === resident.photo ? 0.97 : 0.21, threshold: 0.8 }];
    }),
  );

  function recordOf(resident: Resident | undefined, client: string) {
    if (!resident) return null;
    return {
      ref: refOf(resident.number, client),
      name: resident.name,
      document_type: 'cn_resident_id',
      document_number: resident.number,
      birth_date: resident.birthDate,
      status: resident.status,
    };
  }

  /** What a camera in front of this person would see; the face simulator's own line to the photo stand-in. */
  const photoFor = (ref: string) => register.find(byRef.get(ref) ?? '')?.photo;
  return { router, switches, photoFor };
}

function answer(ctx: Context, status: number, body: object): void {
  ctx.status = status;
  ctx.body = body;
}
