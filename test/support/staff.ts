import type { Browser } from 'playwright-core';
import type { Role } from '../../src/commands/permissions.ts';
import { addAuthenticator, newPerson, type Person } from './browser.ts';
import type { TestCity } from './city.ts';
import { createPasskey, registerPhone } from './journey.ts';
import { proveNameOf } from './proved-name.ts';

/** The demo prints one link per role, two for the owner; `nth` counts those of the role. */
export function invitation(city: TestCity, role: Role, nth = 0): string {
  const links = city.lines.flatMap((line) => {
    const [, name, url] = /^\s+(\w+)\s+(\S+\/admin\/enrol\?token=\S+)$/.exec(line) ?? [];
    return name === role && url !== undefined ? [url] : [];
  });
  const link = links[nth];
  if (link === undefined) throw new Error(`no invitation ${nth} for ${role}`);
  return link;
}

/** Somebody new opens an invitation, registers, makes a passkey, proves their name and takes the role up: a browser of their own. */
export async function enrolStaff(
  browser: Browser,
  city: TestCity,
  options: { role: Role; phone: string; nth?: number; wide?: boolean },
): Promise<Person> {
  const person = await newPerson(browser, { wide: options.wide ?? true });
  await addAuthenticator(person.page);
  await person.page.goto(invitation(city, options.role, options.nth));
  await registerPhone(person.page, city, options.phone);
  await createPasskey(person.page);
  await person.page.waitForSelector('#prove-first');
  await proveNameOf(city, options.phone);
  await person.page.click('main a[href^="/admin/enrol?token="]');
  await person.page.click('form[action="/admin/enrol/take"] button');
  await person.page.waitForURL(/\/admin\?done=enrolled/);
  return person;
}
