import { type AdminHandler, type AdminRoute, doneKey, page } from './context.ts';

const home: AdminHandler = async (deps, ctx, staff) => {
  page(deps, ctx, staff, 'home', { done: doneKey(ctx, ['enrolled']) });
};

export const homeRoutes: readonly AdminRoute[] = [
  { method: 'get', path: '/admin', operation: 'home.read', handler: home },
];
