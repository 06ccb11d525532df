import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Middleware } from 'koa';
import { sha256b64u } from '../lib/crypto.ts';

export interface Assets {
  /** Address of a file with its content's hash, so that it may be kept for ever. */
  url(name: string): string;
  readonly middleware: Middleware;
}

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.txt': 'text/plain; charset=utf-8',
};

interface Asset {
  readonly body: Buffer;
  readonly gzip: Buffer;
  readonly type: string;
  readonly version: string;
}

/**
 * Serves the files of one flat folder, read once at the start. A request only looks a name up among them, so there is
 * no path to climb out of.
 */
export function createAssets(folder: string, prefix = '/assets/'): Assets {
  const files = new Map<string, Asset>();
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const type = types[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const body = readFileSync(join(folder, entry.name));
    files.set(entry.name, {
      body,
      gzip: gzipSync(body),
      type,
      version: sha256b64u(body.toString('latin1')).slice(0, 12),
    });
  }
  return {
    url(name) {
      const file = files.get(name);
      if (file === undefined) throw new Error(`no such asset: ${name}`);
      return `${prefix}${name}?v=${file.version}`;
    },
    middleware: async (ctx, next) => {
      if (!ctx.path.startsWith(prefix)) return next();
      const file = files.get(ctx.path.slice(prefix.length));
      if (file === undefined || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next();
      ctx.set('Cache-Control', ctx.query.v === file.version ? 'public, max-age=31536000, immutable' : 'no-cache');
      ctx.set('Cross-Origin-Resource-Policy', 'same-origin');
      ctx.vary('Accept-Encoding');
      ctx.etag = file.version;
      ctx.type = file.type;
      ctx.status = 200;
      if (ctx.fresh) {
        ctx.status = 304;
        return;
      }
      if (ctx.acceptsEncodings('gzip', 'identity') === 'gzip') {
        ctx.set('Content-Encoding', 'gzip');
        ctx.body = file.gzip;
      } else ctx.body = file.body;
    },
  };
}
