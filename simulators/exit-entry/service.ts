import { createHmac } from 'node:crypto';
import Router from '@koa/router';
import type { Context } from 'koa';
import { faultControl } from '../lib/fault-control.ts';
import { escapeHtml, fieldsOf, page, readBody, readJson, text } from '../lib/http.ts';
import { callers } from '../lib/signing.ts';
import type { UpstreamFactory } from '../lib/upstream.ts';
import { documentTypes, makeHolders, standings } from './holders.ts';
import { fates, holdersOf } from './named.ts';
import { type Found, openOffice } from './office.ts';

/** Answers that arrive in good order and are wrong; each is what a mixed-up or hostile service would say. */
export const exitEntryFaults = [
  'other_request',
  'other_person',
  'other_name',
  'other_number',
  'other_type',
  'other_issue',
  'ended',
  'unborn',
  'no_end',
  'no_record',
  'record_with_no',
  'result_unknown',
] as const;
type ExitEntryFault = (typeof exitEntryFaults)[number];

export const exitEntryCredentials = { clientId: 'shimin-demo', secret: 'demo-exit-entry-secret' } as const;
const faceCaller = { clientId: 'face-service', secret: 'face-service-at-the-exit-entry-administration' };

const prefix = '/exit-entry';
const title = '出入境证件核验（广东平台，模拟）';
const holdersMade = 6000;
const perMinute = 600;

const fields = ['request_id', 'name', 'document_type', 'document_number', 'issue_number', 'purpose'];

const today = () => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(new Date());

/** Verification of exit-entry documents, by the provincial platform; docs/bridges/exit-entry.md has its protocol. */
export const exitEntryUpstream: UpstreamFactory = ({ origin, people }) => {
  const named = [...holdersOf(people, today()), ...fates(today())];
  const known = new Set(named.flatMap(({ documents }) => documents.map(({ number }) => number)));
  const made = makeHolders(holdersMade, today()).filter(
    ({ documents }) => !documents.some(({ number }) => known.has(number)),
  );
  const office = openOffice([...named, ...made]);
  const router = new Router({ prefix });
  const control = faultControl(exitEntryFaults);
  const guard = callers(
    { [exitEntryCredentials.clientId]: exitEntryCredentials.secret, [faceCaller.clientId]: faceCaller.secret },
    perMinute,
  );
  const byRef = new Map<string, { type: string; number: string }>();

  router.get('/', (ctx) => {
    ctx.type = 'html';
    ctx.body = page(title, listing());
  });
  router.get('/_control', (ctx) => {
    ctx.body = { ...control.line.state, fault: control.name(), documents: office.size };
  });
  router.put('/_control', async (ctx) => {
    const good = control.set(await readJson(ctx));
    answer(ctx, good ? 200 : 400, good ? { fault: control.name() } : { error: 'invalid' });
  });
  // {"type"?, "standing"?, "validUntil"?}: one document of the person or all; an empty object undoes it.
  router.put('/_control/people/:id', async (ctx) => {
    const { type, standing: wanted, validUntil } = fieldsOf(await readJson(ctx));
    const standing = standings.find((one) => one === wanted);
    const changed = office.change(String(ctx.params.id), typeof type === 'string' ? type : null, {
      ...(standing === undefined ? {} : { standing }),
      ...(typeof validUntil === 'string' ? { validUntil } : {}),
    });
    answer(ctx, changed ? 200 : 404, changed ? { ...office.person(String(ctx.params.id)) } : { error: 'not_found' });
  });
  router.use(control.line.middleware((ctx) => ctx.path.startsWith(`${prefix}/v1/`)));

  const signed =
    (work: (given: Readonly<Record<string, unknown>>, client: string) => [number, object]) => async (ctx: Context) => {
      const body = await readBody(ctx);
      if (body === null) return answer(ctx, 413, { error: 'too_large' });
      const refusal = guard.refusal({ method: ctx.method, path: ctx.path, body, header: (name) => ctx.get(name) });
      if (refusal === 'rate_limited') ctx.set('Retry-After', '60');
      if (refusal !== null) return answer(ctx, refusal === 'rate_limited' ? 429 : 401, { error: refusal });
      let json: unknown;
      try {
        json = JSON.parse(body);
      } catch {
        return answer(ctx, 400, { error: 'invalid_json' });
      }
      answer(ctx, ...work(fieldsOf(json), ctx.get('x-client-id')));
    };

  router.post(
    '/v1/verify',
    signed((given, client) => {
      if (client !== exitEntryCredentials.clientId) return [403, { error: 'not_permitted' }];
      const [requestId, name] = [text(given.request_id), text(given.name)];
      const [type, number] = [text(given.document_type), text(given.document_number)];
      const issue = given.issue_number === null ? null : text(given.issue_number);
      const faulty = Object.keys(given).find((field) => !fields.includes(field));
      const whole = [requestId, name, type, number, text(given.purpose)].every((v) => v !== '' && v.length <= 200);
      if (faulty !== undefined || !whole || (issue !== null && !/^[0-9]{2}$/.test(issue)))
        return [400, { error: 'invalid_request' }];
      if (!documentTypes.some((one) => one === type)) return [200, { request_id: requestId, result: 'refused' }];
      const { verdict, found } = office.judge({ type, number, issue, name }, today());
      const honest = {
        request_id: requestId,
        result: verdict,
        ...(verdict === 'verified' && found ? { record: recordOf(found, client) } : {}),
      };
      const fault = control.take(...exitEntryFaults);
      return [200, fault === null ? honest : spoilt(fault, honest, client)];
    }),
  );

  router.post(
    '/v1/photo-score',
    signed((given, client) => {
      if (client !== faceCaller.clientId) return [403, { error: 'not_permitted' }];
      const found = foundBy(text(given.ref));
      if (found === null) return [404, { error: 'not_found' }];
      if (text(given.capture) === '') return [400, { error: 'invalid_request' }];
      // Nobody is compared with the photo of a document that does not count any more.
      const { standing, validUntil } = found.document;
      if (standing !== 'valid' || validUntil < today()) return [409, { error: 'document_not_valid' }];
      return [200, { ref: given.ref, score: given.capture === found.holder.photo ? 0.96 : 0.18, threshold: 0.8 }];
    }),
  );

  function foundBy(ref: string): Found | null {
    const at = byRef.get(ref);
    return at ? office.find(at.type, at.number) : null;
  }

  function recordOf({ holder, document }: Found, client: string) {
    const { type, number } = document;
    const digest = createHmac('sha256', 'exit-entry').update(`${client}\n${type}\n${number}`).digest('base64url');
    const ref = `exr_${digest.slice(0, 32)}`;
    byRef.set(ref, { type, number });
    return {
      ref,
      name: holder.names.native,
      name_simplified: holder.names.simplified,
      name_latin: holder.names.latin,
      document_type: type,
      document_number: number,
      issue_number: document.issue,
      birth_date: holder.birthDate,
      valid_until: document.validUntil,
      also_known: holder.documents
        .filter((other) => other.number !== number)
        .map((other) => ({ document_type: other.type, document_number: other.number })),
    };
  }

  /** The honest answer about somebody, spoilt; about somebody else where there is no record to spoil. */
  function spoilt(
    fault: ExitEntryFault,
    honest: { request_id: string; result: string; record?: object },
    client: string,
  ) {
    const other = office.sample();
    const stranger = other ? recordOf(other, client) : null;
    const record = { ...stranger, ...honest.record };
    const verified = { request_id: honest.request_id, result: 'verified', record };
    const changed: Readonly<Record<ExitEntryFault, object>> = {
      other_request: { ...verified, request_id: 'another-request' },
      other_person: { ...verified, record: { ...stranger, document_type: record.document_type, document_number: 'X' } },
      other_name: { ...verified, record: { ...record, name: '別人', name_simplified: '别人', name_latin: 'OTHER' } },
      other_number: { ...verified, record: { ...record, document_number: 'H00000000' } },
      other_type: { ...verified, record: { ...record, document_type: 'cn_org_code' } },
      other_issue: { ...verified, record: { ...record, issue_number: '99' } },
      ended: { ...verified, record: { ...record, valid_until: '2020-01-01' } },
      unborn: { ...verified, record: { ...record, birth_date: '2199-01-01' } },
      no_end: { ...verified, record: { ...record, valid_until: null } },
      no_record: { ...verified, record: undefined },
      record_with_no: { ...verified, result: 'mismatch' },
      result_unknown: { ...verified, result: 'probably' },
    };
    return changed[fault];
  }

  const listing = () =>
    `<h1>${title}</h1><p>${office.size} documents. What becomes of one: <code>PUT ${prefix}/_control/people/ID {"standing": "lost"}</code></p>
<table><thead><tr><th>ID</th><th>Name</th><th>Documents</th></tr></thead><tbody>${named
      .flatMap(({ id }) => office.person(id) ?? [])
      .map(
        ({ id, names, documents }) =>
          `<tr><td>${escapeHtml(id)}</td><td>${escapeHtml(`${names.native} / ${names.latin}`)}</td><td>${documents
            .map(({ type, number, standing, validUntil }) =>
              escapeHtml(`${type} ${number} · ${standing} · ${validUntil}`),
            )
            .join('<br>')}</td></tr>`,
      )
      .join('')}</tbody></table>`;

  return {
    id: 'exit-entry',
    title,
    path: prefix,
    router,
    fault: control.name,
    settings: () => ({ baseUrl: origin() + prefix, ...exitEntryCredentials }),
    photos: {
      refPrefix: 'exr_',
      scorePath: `${prefix}/v1/photo-score`,
      caller: faceCaller,
      cameraOf: (ref) => foundBy(ref)?.holder.photo,
    },
  };
};

function answer(ctx: Context, status: number, body: object): void {
  ctx.status = status;
  ctx.body = body;
}
