import type Router from '@koa/router';
import { methods } from './configuration.ts';
import type { SignalDeps } from './deps.ts';
import { json } from './http.ts';

/** Transmitter configuration (SSF 1.0 section 7). */
export function metadataRoutes(router: Router, deps: Pick<SignalDeps, 'issuer' | 'log'>): void {
  const { issuer } = deps;
  const metadata = {
    spec_version: '1_0',
    issuer,
    jwks_uri: `${issuer}/jwks`,
    delivery_methods_supported: [methods.push, methods.poll],
    configuration_endpoint: `${issuer}/ssf/stream`,
    status_endpoint: `${issuer}/ssf/status`,
    add_subject_endpoint: `${issuer}/ssf/subjects/add`,
    remove_subject_endpoint: `${issuer}/ssf/subjects/remove`,
    verification_endpoint: `${issuer}/ssf/verify`,
    // A session's own end is about that session: who does not read `session` must not end the person's others.
    critical_subject_members: ['user', 'session'],
    // An access token by client credentials, scopes ssf.manage and ssf.read.
    authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6749' }],
    default_subjects: 'ALL',
  };
  router.get(
    '/.well-known/ssf-configuration',
    json(deps, async () => ({ status: 200, body: metadata })),
  );
}
