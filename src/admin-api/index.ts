import Router from '@koa/router';
import type { ApiDeps } from './deps.ts';
import { describeApi } from './openapi.ts';
import { apiOperations } from './operations.ts';
import { problem } from './problem.ts';
import { answering, serve } from './serve.ts';

/**
 * The Admin API: what the console does, for programs. Every operation is a row of `apiOperations`; nothing reaches the
 * router but through it, the description is made from it, and test/admin-api walks it role by role.
 */
export function adminApi(deps: ApiDeps): Router {
  const router = new Router();
  const { path } = deps.address;
  const operations = apiOperations(deps);
  const description = describeApi(operations, deps);
  router.get(
    `${path}/openapi.json`,
    answering(deps, async () => ({ status: 200, headers: {}, body: description })),
  );
  const routes = operations.map((operation) => ({
    ...operation,
    route: `${path}${operation.path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    pattern: new RegExp(`^${path}${operation.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  }));
  for (const operation of routes) router[operation.method](operation.route, serve(deps, operation));
  router.all(
    `${path}{/*rest}`,
    answering(deps, async (ctx, requestId) => {
      const here = routes.filter(({ pattern }) => pattern.test(ctx.path)).map(({ method }) => method.toUpperCase());
      if (here.length === 0) return problem(404, 'not_found', { requestId });
      return problem(405, 'method_not_allowed', { headers: { Allow: here.join(', ') }, requestId });
    }),
  );
  return router;
}
