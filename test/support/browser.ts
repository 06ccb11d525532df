import chromium from '@sparticuz/chromium';
import { type Browser, type BrowserContext, type Page, chromium as playwright } from 'playwright-core';

/** A real Chromium from npm alone. Without its background calls, which a closed network refuses by the dozen. */
export async function launchBrowser(): Promise<Browser> {
  return playwright.launch({
    executablePath: await chromium.executablePath(),
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface AuthenticatorOptions {
  readonly userVerified?: boolean;
  readonly synced?: boolean;
}

/** A virtual platform authenticator with resident keys (WebAuthn L3 section 11), for one page. */
export async function addAuthenticator(page: Page, options: AuthenticatorOptions = {}) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: options.userVerified ?? true,
      automaticPresenceSimulation: true,
      defaultBackupEligibility: options.synced ?? false,
      defaultBackupState: options.synced ?? false,
    },
  });
  return { cdp, authenticatorId };
}

export interface Person {
  readonly context: BrowserContext;
  readonly page: Page;
}

/** A new person: browser context of their own, phone width unless asked otherwise. */
export async function newPerson(
  browser: Browser,
  options: { locale?: string; wide?: boolean; javaScriptEnabled?: boolean } = {},
): Promise<Person> {
  const context = await browser.newContext({
    locale: options.locale ?? 'en-GB',
    viewport: options.wide ? { width: 1200, height: 900 } : { width: 390, height: 844 },
    javaScriptEnabled: options.javaScriptEnabled ?? true,
  });
  context.setDefaultTimeout(15_000);
  return { context, page: await context.newPage() };
}
