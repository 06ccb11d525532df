import type { JourneyDeps } from './deps.ts';
import type { ServiceHealth } from './offers.ts';

/** Which upstreams answer, as far as their circuit breakers know; asking them here would make every page wait. */
export async function healthOf(deps: Pick<JourneyDeps, 'population' | 'face'>): Promise<ServiceHealth> {
  return { population: deps.population.healthy(), face: deps.face.healthy() };
}
