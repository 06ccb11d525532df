import type { Adapter, AdapterPayload } from 'oidc-provider';

/**
 * The least an adapter can cost, to be measured against. The engine's own in-memory adapter would flatter us: it keeps only a
 * thousand entries, and each token it stores costs it a walk over all tokens of the grant.
 */
export function memoryAdapter(): (name: string) => Adapter {
  const rows = new Map<string, AdapterPayload>();
  const uids = new Map<string, string>();
  const grants = new Map<string, Set<string>>();
  return (name) => ({
    async upsert(id, payload) {
      const key = `${name}:${id}`;
      rows.set(key, payload);
      if (name === 'Session' && payload.uid) uids.set(payload.uid, key);
      if (payload.grantId && name !== 'Interaction') {
        const members = grants.get(payload.grantId) ?? new Set();
        grants.set(payload.grantId, members.add(key));
      }
    },
    find: async (id) => rows.get(`${name}:${id}`),
    findByUid: async (uid) => rows.get(uids.get(uid) ?? ''),
    findByUserCode: async () => undefined,
    async consume(id) {
      const row = rows.get(`${name}:${id}`);
      if (row) row.consumed = Math.floor(Date.now() / 1000);
    },
    async destroy(id) {
      rows.delete(`${name}:${id}`);
    },
    async revokeByGrantId(grantId) {
      for (const key of grants.get(grantId) ?? []) rows.delete(key);
      grants.delete(grantId);
    },
  });
}
