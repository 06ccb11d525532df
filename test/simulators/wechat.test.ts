import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errcodes } from '../../simulators/wechat/faults.ts';
import { weChatUpstream } from '../../simulators/wechat/service.ts';
import { request, serve, visit } from '../bridges/serve.ts';

let at: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  at = await serve(weChatUpstream);
});
afterAll(() => at.close());

const website = 'wx5a1e0000000000a1';
const account = 'wx5a1e0000000000b2';
const inside = { userAgent: 'Mozilla/5.0 (iPhone) Mobile/15E148 MicroMessenger/8.0.53(0x18003531)' };
const identifier = expect.stringMatching(/^o[A-Za-z0-9_-]{27}$/);

describe('the simulator is as strict as WeChat', () => {
  const page = async (path: string, query: readonly (readonly [string, string])[], userAgent = 'a browser') => {
    const url = `${at.origin}/wechat/connect/${path}?${new URLSearchParams(query.map(([k, v]) => [k, v]))}`;
    const answers = await Promise.all(
      ['GET', 'POST'].map((method) =>
        fetch(url, { method, redirect: 'manual', headers: { 'user-agent': userAgent } }).then(async (response) => [
          response.status,
          await response.text(),
        ]),
      ),
    );
    return answers;
  };
  const given = (more: Record<string, string> = {}, appid = website, scope = 'snsapi_login') =>
    Object.entries({ appid, redirect_uri: request.redirectUri, response_type: 'code', scope, state: 'abc', ...more });

  it.each([
    ['appid', { appid: account }],
    ['redirect_uri 参数错误', { redirect_uri: 'http://www.localhost:1/bridge/callback' }],
    ['response_type', { response_type: 'token' }],
    ['Scope', { scope: 'snsapi_userinfo' }],
    ['state', { state: 'a'.repeat(129) }],
  ])('website: %s', async (words, more) => {
    for (const answer of await page('qrconnect', given(more)))
      expect(answer).toEqual([200, expect.stringContaining(words)]);
  });
  it('parameters in another order', async () => {
    for (const answer of await page('qrconnect', given().toReversed()))
      expect(answer).toEqual([200, expect.stringContaining('顺序')]);
  });
  it('official account: state of letters and digits, and only inside WeChat', async () => {
    const own = (more: Record<string, string>) => given(more, account, 'snsapi_base');
    for (const answer of await page('oauth2/authorize', own({ state: 'a-b' }), inside.userAgent))
      expect(answer[1]).toContain('state 参数错误');
    for (const answer of await page('oauth2/authorize', own({}))) expect(answer[1]).toContain('请在微信客户端打开链接');
  });

  const api = async (path: string, query: Record<string, string>) =>
    JSON.parse(await (await fetch(`${at.origin}/wechat/sns/${path}?${new URLSearchParams(query)}`)).text());
  const exchange = { appid: website, secret: 'demo-secret-of-the-website-app', grant_type: 'authorization_code' };
  it.each([
    [{ appid: '' }, 41002],
    [{ appid: 'wx0000000000000000' }, 40013],
    [{ secret: '' }, 41004],
    [{ secret: 'wrong' }, 40125],
    [{ grant_type: 'password' }, 40002],
    [{}, 41008],
    [{ code: 'never-given-out' }, 40029],
  ])('token: %o', async (more, errcode) => {
    expect(await api('oauth2/access_token', { ...exchange, ...more })).toMatchObject({ errcode });
  });
  it('tokens: checked, renewed, of one person, and too small for a profile', async () => {
    const query = given({}, account, 'snsapi_base').map(([name, value]) => [name, value]);
    const url = `${at.origin}/wechat/connect/oauth2/authorize?${new URLSearchParams(query)}`;
    const code = (await visit(url, 'li-xiaoming', inside.userAgent)).searchParams.get('code') ?? '';
    const own = { appid: account, secret: 'demo-secret-of-the-official-account', grant_type: 'authorization_code' };
    const token = await api('oauth2/access_token', { ...own, code });
    expect(token).toMatchObject({ expires_in: 7200, openid: identifier, scope: 'snsapi_base' });
    expect(token).not.toHaveProperty('unionid');
    expect(token).not.toHaveProperty('errcode');
    expect(await api('oauth2/access_token', { ...own, code })).toMatchObject({ errcode: 40163 });
    const { access_token, openid, refresh_token } = token;
    expect(await api('auth', { access_token, openid })).toEqual({ errcode: 0, errmsg: 'ok' });
    expect(await api('auth', { access_token, openid: 'oSomebodyElse' })).toMatchObject({ errcode: 40003 });
    expect(await api('userinfo', { access_token, openid })).toMatchObject({ errcode: 48001 });
    const renewed = { appid: account, grant_type: 'refresh_token', refresh_token };
    expect(await api('oauth2/refresh_token', renewed)).toMatchObject({ openid });
    expect(await api('oauth2/refresh_token', { ...renewed, appid: website })).toMatchObject({ errcode: 40030 });
    expect(await api('oauth2/refresh_token', { ...renewed, grant_type: 'x' })).toMatchObject({ errcode: 40002 });
  });
  it('has every errcode of the reference', () => {
    const reference = [40029, 40163, 42003, 40001, 40014, 48001, 40013, 40125, 41008, 40003];
    expect(Object.keys(errcodes)).toEqual(expect.arrayContaining(reference.map(String)));
  });
});
