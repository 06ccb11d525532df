import { Readable } from 'node:stream';
import { z } from 'zod';
import { exportAudit } from '../commands/export-audit.ts';
import { auditQuery, filterOf } from './audit.ts';
import { type AdminHandler, type AdminRoute, byOf } from './context.ts';

const form = z.record(z.string(), z.string()).catch({});

/** The lines that the list was narrowed down to, as a file that can be checked anywhere. */
const download: AdminHandler = async (deps, ctx, staff) => {
  const given = form.parse(ctx.request.body);
  const { since, until, ...filter } = filterOf(auditQuery((name) => given[name]));
  const wish = { by: byOf(ctx, staff), issuer: deps.issuer, filter, since, until };
  const { head, texts } = await exportAudit(deps, wish);
  ctx.set('Content-Type', 'application/x-ndjson; charset=utf-8');
  ctx.set('Content-Disposition', `attachment; filename="audit-${head.from}-${head.last.seq}.jsonl"`);
  ctx.set('Cache-Control', 'no-store');
  // Page by page, as fast as it is taken; whoever goes away ends it.
  ctx.body = Readable.from(texts, { objectMode: false, highWaterMark: 64 * 1024 });
};

export const auditExportRoutes: readonly AdminRoute[] = [
  { method: 'post', path: '/admin/audit/export', operation: 'audit.export', handler: download },
];
