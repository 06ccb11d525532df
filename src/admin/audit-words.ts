import type { Context } from 'koa';
import { type AuditEvent, type AuditFields, type AuditValue, isFields } from '../audit/events.ts';
import { actorOf, operatorPrefix } from '../commands/actor.ts';
import { appPrefix } from '../commands/app-roles.ts';
import { listApps } from '../storage/apps.ts';
import { dateFormats } from '../web/dates.ts';
import { localeOf } from '../web/preferences.ts';
import { sourceName } from './change-words.ts';
import { wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';
import { namesOf } from './names.ts';

/** Lines of the audit in the reader's language. What has no word stays as it was written: nothing is left out. */
export interface AuditWords {
  type(type: string): string;
  actor(event: Pick<AuditEvent, 'actor' | 'accountId'>): { kind: string; name: string };
  reason(code: string | null): string | null;
  app(id: string): string;
  field(name: string): string;
  value(name: string, value: AuditValue): string;
  /** What an entry tells besides what changed. */
  facts(data: AuditEvent['data']): { name: string; field: string; value: string }[];
  /** What fields were and are. */
  changes(data: AuditEvent['data']): { field: string; before: string; after: string }[];
}

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const shortId = (id: string) => (/^[0-9a-f-]{36}$/.test(id) ? `…${id.slice(-6)}` : id);

/** Of what changed there is a table; a note is opened by itself. */
const toldElsewhere = (name: string, data: AuditEvent['data']): boolean =>
  name === 'omitted' ||
  name === 'note' ||
  (isFields(data.after) && (name === 'from' || name === 'to' || name in data.after));

/** Lines of before told programs and operators by their ids alone. */
const whoDid = ({ kind, id }: AuditEvent['actor']): AuditEvent['actor'] =>
  kind === 'staff' ? actorOf(id) : { kind, id };

export async function auditWords(
  deps: AdminDeps,
  ctx: Context,
  events: readonly Pick<AuditEvent, 'actor'>[],
): Promise<AuditWords> {
  const { i18n } = deps.renderer;
  const locale = localeOf(ctx, i18n);
  const t = wordsOf(deps, ctx);
  const { time } = dateFormats(locale);
  const staff = events.map(({ actor }) => whoDid(actor)).filter(({ kind }) => kind === 'staff');
  const [nameOf, apps] = await Promise.all([
    namesOf(
      deps,
      staff.map(({ id }) => id),
    ),
    listApps(deps.db),
  ]);
  const appNames = new Map(apps.map((app) => [app.id, i18n.pick(app.name, locale)]));
  const said = (...keys: string[]): string | null => {
    const key = keys.find((each) => i18n.has(locale, each));
    return key === undefined ? null : t(key);
  };
  const app = (id: string) => appNames.get(id) ?? id;

  function word(name: string, value: string): string {
    if (isoTime.test(value)) return time(new Date(value));
    if (name === 'app' || name === 'apps') return app(value);
    if (name === 'role' || name === 'roles') return said(`admin.role.${value}.name`) ?? value;
    if (name === 'source' || name === 'bridge')
      return said(`admin.source.${value}.name`, `bridge.name.${value}`) === null ? value : sourceName(t, value);
    if (name === 'fields') return field(value);
    if (name === 'kind' || name === 'kinds' || name === 'open')
      return said(`people.kind.${value}`, `account.evidence_kind.${value}`, `audit.word.${value}`) ?? value;
    if (name === 'category') return said(`changes.category.${value}`) ?? value;
    if (name === 'type') return said(`audit.type_of.${value}`) ?? value;
    if (name === 'documentType') return said(`counter.document.${value}`) ?? value;
    return said(`audit.word.${value}`) ?? value;
  }

  function field(name: string): string {
    const whole = said(`audit.field.${name}`);
    if (whole !== null) return whole;
    // `settings.issuer`, `name.pt`, `levels.<id>.rideOnSso`: what has a word, and where in it.
    const [first = '', ...rest] = name.split('.');
    const known = rest.length > 0 ? said(`audit.field.${first}`) : null;
    return known === null ? name : `${known} · ${rest.join('.')}`;
  }

  function value(name: string, given: AuditValue): string {
    if (given === null || given === '' || (Array.isArray(given) && given.length === 0)) return t('audit.empty');
    if (typeof given === 'boolean') return t(given ? 'audit.word.yes' : 'audit.word.no');
    if (typeof given === 'number') return String(given);
    return (typeof given === 'string' ? [given] : given)
      .map((each) => word(name, each))
      .join(t('common.list_separator'));
  }

  const side = (fields: AuditValue | AuditFields | undefined) => (isFields(fields) ? fields : {});

  return {
    type: (type) => said(`audit.type_of.${type}`) ?? type,
    reason: (code) =>
      code === null ? null : (said(`audit.reason.${code}`, `reasons.${code}`, `errors.${code}.title`) ?? code),
    app,
    field,
    value,
    actor({ actor, accountId }) {
      const { kind, id } = whoDid(actor);
      const names: Record<AuditEvent['actor']['kind'], () => string> = {
        citizen: () => (id === accountId ? t('audit.themselves') : shortId(id)),
        anonymous: () => '',
        staff: () => nameOf(id),
        app: () => app(id.startsWith(appPrefix) ? id.slice(appPrefix.length) : id),
        system: () => id,
        operator: () => (id.startsWith(operatorPrefix) ? id.slice(operatorPrefix.length) : id),
      };
      return { kind: t(`audit.kind.${kind}`), name: names[kind]() };
    },
    facts: (data) =>
      Object.entries(data).flatMap(([name, given]) =>
        isFields(given) || toldElsewhere(name, data)
          ? []
          : [{ name, field: name === 'roles' ? t('audit.their_roles') : field(name), value: value(name, given) }],
      ),
    changes(data) {
      const [before, after] = [side(data.before), side(data.after)];
      return Object.keys({ ...before, ...after }).map((name) => ({
        field: field(name),
        before: value(name, before[name] ?? null),
        after: value(name, after[name] ?? null),
      }));
    },
  };
}
