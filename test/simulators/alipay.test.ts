import { createSign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alipayUpstream } from '../../simulators/alipay/service.ts';
import { chinaTime, signingText } from '../../src/bridges/alipay/gateway.ts';
import { request, serve } from '../bridges/serve.ts';

let at: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  at = await serve(alipayUpstream);
});
afterAll(() => at.close());

/** A call of the gateway, signed as the app would. */
const parametersOf = (method: string, more: Record<string, string>) => ({
  app_id: '2021000000000001',
  method,
  format: 'JSON',
  charset: 'utf-8',
  sign_type: 'RSA2',
  timestamp: chinaTime(new Date()),
  version: '1.0',
  ...more,
});
function signed(parameters: Record<string, string>): URLSearchParams {
  const key = String(at.simulator.settings().privateKey);
  const sign = createSign('RSA-SHA256').update(signingText(parameters)).sign(key, 'base64');
  return new URLSearchParams({ ...parameters, sign });
}
const gatewayUrl = () => `${at.origin}/alipay/gateway.do`;

describe('the simulator is as strict as the gateway', () => {
  const base = () => parametersOf('alipay.system.oauth.token', { grant_type: 'authorization_code', code: 'none' });
  const ask = async (parameters: Record<string, string>, place: 'query' | 'form' = 'form') => {
    const body = signed(parameters);
    const response = await (place === 'form'
      ? fetch(gatewayUrl(), { method: 'POST', body })
      : fetch(`${gatewayUrl()}?${body}`));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html;charset=utf-8');
    return JSON.parse(await response.text());
  };
  it.each([
    [{ app_id: '2021000000000009' }, 'isv.invalid-app-id'],
    [{ method: 'alipay.user.unknown' }, 'isv.invalid-method'],
    [{ format: 'XML' }, 'isv.invalid-format'],
    [{ charset: 'gbk' }, 'isv.invalid-charset'],
    [{ sign_type: 'RSA' }, 'isv.invalid-signature-type'],
    [{ version: '' }, 'isv.missing-parameter'],
    [{ timestamp: '2026-08-01T12:00:00' }, 'isv.invalid-timestamp'],
    [{ timestamp: new Date().toISOString().slice(0, 19).replace('T', ' ') }, 'isv.invalid-timestamp'],
    [{ grant_type: 'password' }, 'isv.grant-type-invalid'],
    [{}, 'isv.code-invalid'],
    [{ app_id: '2021000000000002' }, 'isv.invalid-app-cert-sn'],
    [
      { app_id: '2021000000000002', app_cert_sn: '4f11925f2f64db520b0e50ae54244fb9' },
      'isv.invalid-alipay-root-cert-sn',
    ],
  ])('%o', async (more, subCode) => {
    for (const place of ['query', 'form'] as const)
      expect(await ask({ ...base(), ...more }, place)).toMatchObject({ error_response: { sub_code: subCode } });
  });
  it('says what it would have signed when the signature is bad, HTML-escaped', async () => {
    const body = new URLSearchParams({ ...base(), sign: 'bad' });
    const answer = await (await fetch(gatewayUrl(), { method: 'POST', body })).text();
    expect(JSON.parse(answer).error_response).toMatchObject({
      code: '40002',
      sub_code: 'isv.invalid-signature',
      sub_msg: expect.stringContaining('app_id=2021000000000001&amp;charset=utf-8'),
    });
  });
  it.each([
    [{ state: 'a'.repeat(101) }, 'state 超过 100 个字符'],
    [{ state: '中文' }, 'base64'],
    [{ app_id: '1' }, 'app_id'],
    [{ scope: 'openid' }, 'scope'],
    [{ redirect_uri: 'https://evil.example/' }, 'redirect_uri'],
  ])('consent page: %o', async (more, words) => {
    const given = { app_id: '2021000000000001', scope: 'auth_user', redirect_uri: request.redirectUri, state: 'a' };
    const url = `${at.origin}/alipay/oauth2/publicAppAuthorize.htm?${new URLSearchParams({ ...given, ...more })}`;
    for (const method of ['GET', 'POST']) {
      const response = await fetch(url, { method, redirect: 'manual' });
      expect([response.status, await response.text()]).toEqual([400, expect.stringContaining(words)]);
    }
  });
});

describe('certify: the return proves nothing, only the question after it', () => {
  let order = 0;
  const ask = async (method: string, content: object) => {
    const parameters = parametersOf(`alipay.user.certify.open.${method}`, { biz_content: JSON.stringify(content) });
    const answer = await (await fetch(gatewayUrl(), { method: 'POST', body: signed(parameters) })).text();
    return JSON.parse(answer)[`alipay_user_certify_open_${method}_response`];
  };
  const begun = (identity: object = {}, more: object = {}) => {
    order += 1;
    return ask('initialize', {
      outer_order_no: `order-${order}`,
      biz_code: 'FACE',
      identity_param: {
        identity_type: 'CERT_INFO',
        cert_type: 'IDENTITY_CARD',
        cert_name: '李晓明',
        cert_no: '440305198806151219',
        ...identity,
      },
      merchant_config: { return_url: 'http://localhost:1/back' },
      ...more,
    });
  };
  const pageOf = async (id: string, userAgent = 'a browser') => {
    const biz_content = JSON.stringify({ certify_id: id });
    const query = signed(parametersOf('alipay.user.certify.open.certify', { biz_content }));
    return (await fetch(`${gatewayUrl()}?${query}`, { headers: { 'user-agent': userAgent } })).text();
  };
  /** The person before the camera there; they come back in any case. */
  async function visitAs(id: string, person: string): Promise<void> {
    const [, action = ''] = /action="([^"]+)"/.exec(await pageOf(id)) ?? [];
    const body = new URLSearchParams({ person });
    const response = await fetch(`${at.origin}${action}`, { method: 'POST', body, redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([303, 'http://localhost:1/back']);
  }
  it.each([
    ['li-xiaoming', { passed: 'T' }],
    ['chen-jiayi', { passed: 'F', fail_reason: '人脸比对不一致' }],
    ['', { passed: 'F', fail_reason: '认证未完成' }],
  ])('%s', async (person, expected) => {
    const { certify_id: id } = await begun();
    expect(await ask('query', { certify_id: id })).toMatchObject({ code: '10000', passed: 'F' });
    await visitAs(id, person);
    expect(await ask('query', { certify_id: id })).toMatchObject({ code: '10000', ...expected });
  });
  it('documents of Hong Kong, Macao and Taiwan only inside the app', async () => {
    const permit = { cert_type: 'HOME_VISIT_PERMIT_HK_MC', cert_name: '陳大文', cert_no: 'H12345678' };
    const { certify_id: id } = await begun(permit);
    expect(await pageOf(id)).toContain('请在支付宝客户端内打开');
    expect(await pageOf(id, 'Mozilla/5.0 AlipayClient/10.6.0')).toContain('chan-tai-man');
  });
  it('unknown, repeated, incomplete', async () => {
    const unknown = { code: '40004', sub_code: 'OPEN_CERTIFY_BILL_NOT_EXIST', sub_msg: '无效的certify_id' };
    expect(await ask('query', { certify_id: 'none' })).toMatchObject(unknown);
    expect(JSON.parse(await pageOf('none'))).toMatchObject({
      alipay_user_certify_open_certify_response: unknown,
    });
    expect((await begun({}, { outer_order_no: 'same' })).code).toBe('10000');
    expect(await begun({}, { outer_order_no: 'same' })).toMatchObject({ sub_code: 'OUTER_ORDER_NO_REPEATED' });
    for (const wrong of [{ cert_type: 'PASSPORT' }, { cert_name: '' }, { identity_type: 'X' }])
      expect(await begun(wrong)).toMatchObject({ sub_code: 'isv.invalid-parameter' });
    for (const wrong of [{ biz_code: 'X' }, { merchant_config: { return_url: 'https://evil.example/' } }])
      expect(await begun({}, wrong)).toMatchObject({ sub_code: 'isv.invalid-parameter' });
  });
});
