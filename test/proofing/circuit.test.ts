import { afterAll, beforeAll, expect, it } from 'vitest';
import { demoCredentials, type Simulators, startSimulators } from '../../simulators/main.ts';
import { createUpstream } from '../../src/lib/upstream.ts';
import { populationRegister } from '../../src/proofing/population.ts';

let city: Simulators;
beforeAll(async () => {
  city = await startSimulators({ port: 0 });
});
afterAll(() => city?.close());

const fault = async (name: string) => {
  const body = JSON.stringify({ fault: name });
  expect((await fetch(`${city.url}/population/_control`, { method: 'PUT', body })).status).toBe(200);
};
const asked = { name: '李晓明', number: '440305198806151219', purpose: 'test' };

it.each(['hang', 'down', 'http500'])(
  'after six failures (%s) the register comes back by itself, with nobody asking',
  async (how) => {
    const upstream = createUpstream('population');
    const register = populationRegister({
      baseUrl: `${city.url}/population`,
      clientId: demoCredentials.clientId,
      secret: demoCredentials.populationSecret,
      allowLoopback: true,
      timeoutMs: 300,
      upstream,
      clock: () => new Date(),
    });
    await fault(how);
    for (let i = 0; i < 6; i += 1) expect((await register.verify(asked)).outcome).toBe('unavailable');
    expect(upstream.healthy()).toBe(false);
    await fault('none');
    await expect.poll(() => upstream.healthy(), { timeout: 9000 }).toBe(true);
    await expect.poll(async () => (await register.verify(asked)).outcome, { timeout: 5000 }).toBe('verified');
    upstream.close();
  },
);
