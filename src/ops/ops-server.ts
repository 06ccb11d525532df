import { createServer, type Server } from 'node:http';

export interface Readiness {
  readonly ok: boolean;
  readonly checks: Readonly<Record<string, string>>;
}

/** prom-client's registry, of one process or summed over several. */
export interface MetricsSource {
  readonly registry: { readonly contentType: string; metrics(): Promise<string> };
}

/** Health on a port of its own, never published: `/livez`, `/readyz`, `/metrics`. */
export function createOpsServer(deps: { metrics: MetricsSource; ready: () => Promise<Readiness> }): Server {
  return createServer((req, res) => {
    const answer = (status: number, type: string, body: string) => {
      res.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
      res.end(body);
    };
    const path = (req.url ?? '').split('?')[0];
    if (req.method !== 'GET' && req.method !== 'HEAD') return answer(405, 'text/plain', 'method not allowed\n');
    switch (path) {
      case '/livez':
        return answer(200, 'application/json', '{"status":"ok"}\n');
      case '/readyz':
        return void deps.ready().then(
          (ready) => answer(ready.ok ? 200 : 503, 'application/json', `${JSON.stringify(ready)}\n`),
          () => answer(503, 'application/json', '{"ok":false}\n'),
        );
      case '/metrics':
        return void deps.metrics.registry.metrics().then(
          (text) => answer(200, deps.metrics.registry.contentType, text),
          () => answer(500, 'text/plain', 'metrics failed\n'),
        );
      default:
        return answer(404, 'text/plain', 'not found\n');
    }
  });
}
