import { Browser } from './browser.ts';
import { authorization, authorizePath, codeForm } from './setup.ts';

/** One worker of the load: prepares its own citizen, then does the same operation again and again. */
export type Scenario = (origin: string, signIn: SignIn) => Promise<() => Promise<void>>;

/** Signs in from the first redirect to the code at the app; how depends on what serves. */
export type SignIn = (browser: Browser) => Promise<string>;

interface Tokens {
  access_token: string;
  refresh_token: string;
  id_token: string;
}

async function token(browser: Browser, body: string): Promise<Tokens> {
  const answer = await browser.send('POST', '/token', { headers: { authorization }, body });
  if (answer.status !== 200) throw new Error(`token: ${answer.status} ${answer.body}`);
  return JSON.parse(answer.body);
}

async function codeBySession(browser: Browser): Promise<string> {
  const answer = await browser.send('GET', authorizePath);
  const code = answer.location === undefined ? null : new URL(answer.location).searchParams.get('code');
  if (!code) throw new Error(`authorize: ${answer.status} ${answer.location ?? answer.body}`);
  return code;
}

/** A new browser, a whole sign-in, tokens. */
async function wholeSignIn(origin: string, signIn: SignIn): Promise<() => Promise<void>> {
  const app = new Browser(origin);
  return async () => {
    await token(app, codeForm(await signIn(new Browser(origin))));
  };
}

export const scenarios: Record<string, Scenario> = {
  /** Somebody who is signed in opens another app: authorize, token. */
  sso: async (origin, signIn) => {
    const browser = new Browser(origin);
    const app = new Browser(origin);
    await signIn(browser);
    return async () => {
      await token(app, codeForm(await codeBySession(browser)));
    };
  },
  refresh: async (origin, signIn) => {
    const app = new Browser(origin);
    let current = await token(app, codeForm(await signIn(new Browser(origin))));
    return async () => {
      current = await token(app, `grant_type=refresh_token&refresh_token=${current.refresh_token}`);
    };
  },
  userinfo: async (origin, signIn) => {
    const app = new Browser(origin);
    const { access_token } = await token(app, codeForm(await signIn(new Browser(origin))));
    return async () => {
      const answer = await app.send('GET', '/me', { headers: { authorization: `Bearer ${access_token}` } });
      if (answer.status !== 200) throw new Error(`userinfo: ${answer.status}`);
    };
  },
  discovery: async (origin) => {
    const app = new Browser(origin);
    return async () => {
      const answer = await app.send('GET', '/.well-known/openid-configuration');
      if (answer.status !== 200) throw new Error(`discovery: ${answer.status}`);
    };
  },
  sign_in: wholeSignIn,
  passkey: wholeSignIn,
  password_totp: wholeSignIn,
};

/** The yardstick's page signs in at once. */
export const signInAtOnce: SignIn = async (browser) => {
  const { outside, page } = await browser.follow(authorizePath);
  const code = outside?.searchParams.get('code');
  if (!code) throw new Error(`sign-in: ${outside?.href ?? page?.status}`);
  return code;
};
