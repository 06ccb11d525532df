import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answerFaults } from '../../simulators/oidc/provider.ts';
import { openidUpstream } from '../../simulators/openid/service.ts';
import type { Bridge, BridgeStart } from '../../src/bridges/bridge.ts';
import { openid } from '../../src/bridges/openid/index.ts';
import { createUpstream } from '../../src/lib/upstream.ts';
import { serveUpstream } from '../support/upstream.ts';

let served: Awaited<ReturnType<typeof serveUpstream>>;
beforeAll(async () => {
  served = await serveUpstream(openidUpstream);
});
afterAll(() => served.close());
afterEach(async () => {
  await served.control({ fault: 'none' });
});

const request: BridgeStart = {
  redirectUri: 'http://localhost:1/bridge/openid/callback',
  state: 'a'.repeat(32),
  level: null,
  locale: 'en',
  fresh: false,
  sameDevice: true,
  input: {},
};

function bridge(more: Readonly<Record<string, string>> = {}): Bridge {
  const upstream = createUpstream('openid', { breakAfter: 1_000 });
  const ports = { upstream, allowLoopback: true, timeoutMs: 600, clock: () => new Date() };
  return openid.open({ ...served.settings(), ...more }, ports);
}

async function signIn(person: string, more: Partial<BridgeStart> = {}, own = bridge()) {
  const started = await own.start({ ...request, ...more });
  if (started.outcome !== 'started') throw new Error(started.outcome);
  const answer = await fetch(started.url, {
    method: 'POST',
    body: new URLSearchParams({ person }),
    redirect: 'manual',
  });
  return { started, result: await own.finish(new URL(answer.headers.get('location') ?? ''), started.keep) };
}

describe('any OpenID provider, by settings alone', () => {
  it('says who by the names of claims that it was told', async () => {
    const { result } = await signIn('li-xiaoming');
    expect(result).toMatchObject({
      outcome: 'identified',
      identity: {
        level: 'superior',
        claims: {
          name: '李晓明',
          documentType: 'cn_resident_id',
          documentNumber: '440305198806151219',
          birthDate: '1988-06-15',
        },
      },
    });
  });

  it('asks for a level in the provider’s own words, and takes no other word for one', async () => {
    const { started } = await signIn('li-xiaoming', { level: 'superior' });
    const claims = new URL(started.url).searchParams.get('claims') ?? '{}';
    expect(JSON.parse(claims)).toEqual({ id_token: { acr: { essential: true, values: ['partner:seen'] } } });
    expect((await signIn('wang-jianguo')).result).toMatchObject({ identity: { level: null } });
    const deaf = bridge({ strongLevel: '', superiorLevel: '' });
    expect((await signIn('li-xiaoming', {}, deaf)).result).toMatchObject({ identity: { level: null } });
  });

  it('tells nothing that it has no name for, or that has not the form of what it is', async () => {
    const poor = bridge({ nameClaim: '', documentTypeClaim: '', documentNumberClaim: '', birthDateClaim: 'paper' });
    const { result } = await signIn('tan-wei-ming', {}, poor);
    expect(result).toMatchObject({ outcome: 'identified' });
    expect(result.outcome === 'identified' && result.identity.claims).toEqual({});
    const foreign = bridge({ category: 'foreign', phoneClaim: 'paper' });
    expect((await signIn('tan-wei-ming', {}, foreign)).result).toMatchObject({
      identity: { claims: { category: 'foreign' } },
    });
  });

  it.each(answerFaults)('is refused when its answer has the fault %s', async (fault) => {
    await served.control({ fault });
    // One of them is to answer with an old session where a new sign-in was asked for.
    const { result } = await signIn('li-xiaoming', { fresh: true });
    const wanted = { denied: 'denied', server_error: 'unavailable' }[fault as string] ?? 'answer_invalid';
    expect(result.outcome === 'refused' ? result.reason : result.outcome).toBe(wanted);
  });
});
