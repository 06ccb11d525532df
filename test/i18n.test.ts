import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { catalogue, places } from '../src/assurance/catalogue.ts';
import { changeCodes } from '../src/assurance/differences.ts';
import { evidenceKinds, factorKinds, strengths } from '../src/assurance/evidence.ts';
import { explainCodes } from '../src/assurance/explain.ts';
import { faultCodes } from '../src/assurance/faults.ts';
import { reasonCodes } from '../src/assurance/reasons.ts';
import { ruleCodes } from '../src/assurance/words.ts';
import { auditEvents } from '../src/audit/events.ts';
import { operations } from '../src/commands/permissions.ts';
import { createI18n, type Locale } from '../src/i18n/index.ts';
import { categories } from '../src/identity/person.ts';
import { errorCodes } from '../src/lib/errors.ts';

const root = join(import.meta.dirname, '..');
const i18n = createI18n();
const all = (locale: Locale) => i18n.keys(locale).filter((key) => !key.includes('#'));
const text = (locale: Locale, key: string) =>
  JSON.parse(readFileSync(join(root, 'src/i18n', locale, `${key.split('.')[0]}.json`), 'utf8'))[
    key.slice(key.indexOf('.') + 1)
  ];
const entries = (locale: Locale) => i18n.keys(locale).map((key) => [key, String(text(locale, key))] as const);

const sources = ['views', 'src'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .map(String)
    .filter((file) => /\.(eta|ts)$/.test(file))
    .map((file) => readFileSync(join(root, folder, file), 'utf8')),
);

/** Keys written out in code, and the beginnings of keys that are put together there. */
const areas = readdirSync(join(root, 'src/i18n/en'))
  .map((file) => file.replace('.json', ''))
  .join('|');
const literal = new Set(
  sources.flatMap((source) =>
    [...source.matchAll(new RegExp(`['"\`]((?:${areas})\\.[\\w.-]+)['"\`]`, 'g'))].map((match) => match[1] ?? ''),
  ),
);
const composed = new Set(
  sources.flatMap((source) => [
    ...[...source.matchAll(new RegExp(`\`((?:${areas})\\.[\\w.-]*)\\$\\{[^}]*\\}([\\w.-]*)\``, 'g'))].map(
      (m) => `${m[1]}*${m[2]}`,
    ),
    ...[...source.matchAll(new RegExp(`'((?:${areas})\\.[\\w.-]*\\.)' \\+`, 'g'))].map((m) => `${m[1]}*`),
  ]),
);
const isUsed = (key: string) =>
  literal.has(key) ||
  [...composed].some((pattern) => new RegExp(`^${pattern.replaceAll('.', '\\.').replace('*', '.+')}$`).test(key));

/** Texts of policies: their codes are put together in src/assurance. */
function policyKeys(): string[] {
  const confirmed = Object.values(catalogue).flatMap(({ confirms }) => confirms.filter((word) => !word.includes(':')));
  return [
    ...faultCodes.map((code) => `fault.${code}`),
    ...changeCodes.map((code) => `change.${code}`),
    ...explainCodes.map((code) => `explain.${code}`),
    ...ruleCodes.map((code) => `rule.${code}`),
    ...evidenceKinds.map((kind) => `rule.evidence.${kind}`),
    ...strengths.map((strength) => `rule.strength.${strength}`),
    ...categories.map((category) => `rule.category.${category}`),
    ...places.map((place) => `rule.place.${place}`),
    ...factorKinds.map((kind) => `rule.factor.${kind}`),
    ...new Set(confirmed.map((word) => `rule.confirms.${word}`)),
  ].map((code) => `policy.${code}`);
}

describe('texts', () => {
  it.each(i18n.locales)('%s has the keys of English', (locale) =>
    expect(all(locale).toSorted()).toEqual(all('en').toSorted()),
  );

  it('has every key that a view or the code names', () => {
    const events: readonly string[] = [...auditEvents.map(({ type }) => type), ...operations];
    const missing = [...literal].filter(
      (key) => !/\.(json)?$/.test(key) && !events.includes(key) && !i18n.has('en', key),
    );
    expect(missing).toEqual([]);
  });

  it('has no key that nobody names', () => {
    // Texts of `done`, which the account's pages hand to their views.
    const policyTexts = new Set(policyKeys());
    const handedOver = (key: string) => /^account\.\w+\.done_/.test(key) || policyTexts.has(key);
    expect(all('en').filter((key) => !isUsed(key) && !handedOver(key))).toEqual([]);
  });

  it('has every error, reason, kind of evidence and event of a citizen', () => {
    const needed = [
      ...errorCodes.flatMap((code) => [`errors.${code}.title`, `errors.${code}.next`]),
      ...policyKeys(),
      ...reasonCodes.map((code) => `reasons.${code}`),
      ...evidenceKinds.map((kind) => `account.evidence_kind.${kind}`),
      ...['none', 'registered', 'real_name', 'real_person', 'in_person'].flatMap((level) =>
        ['name', 'does', 'have', 'gain'].map((part) => `common.level.${level}.${part}`),
      ),
    ];
    expect(needed.filter((key) => !i18n.has('en', key))).toEqual([]);
  });

  it.each(i18n.locales)('%s has the placeholders of English', (locale) => {
    const holes = (of: Locale, key: string) => [...String(text(of, key)).matchAll(/\{\w+\}/g)].map(String).toSorted();
    for (const key of all('en')) expect(holes(locale, key), key).toEqual(holes('en', key));
  });

  it('is translated', () => {
    // Both Chinese scripts share many texts; between the others only proper words may be alike.
    const alike = new Set([
      // Services' own names.
      'bridge.name.alipay',
      'bridge.name.singpass',
      'bridge.name.wechat',
      'common.brand',
      // Marks only: Chinese has its own colon.
      'audit.kind_name',
      'common.list_separator',
      'common.region.HK',
      'common.region.TW',
    ]);
    const same = (a: Locale, b: Locale) => all('en').filter((key) => !alike.has(key) && text(a, key) === text(b, key));
    expect(same('en', 'pt')).toEqual([]);
    expect(same('en', 'zh-Hans')).toEqual([]);
    expect(same('en', 'zh-Hant')).toEqual([]);
  });
});

describe('scripts', () => {
  // Characters that exist in one script only, of words these pages use.
  const simplifiedOnly =
    /[这们个么为从与业东两严丧并见规视觉认证识设访词试话该详语说请诺读课谁调谢谈账质贴费资软转轻载较输辑边达过运还进远连迟适选递邮释钟钥错键长门问间阅队阳阶际陆险随难须顾顿预领题颜额风飞验马驱鱼鸟龙号码输账户动务办发变听启员团围国图场块复备头实对导尽层岁帐帮张强归当录总惊惯愿戏户执扩扫护报担择换据损摄摆数断无时显机权条来极构标树样档检楼欢残没测浏灵点热状独环现电画监盖盘离种积称稳签简类粮级纪约纯纸线组细终经结给络绝统继续维综缓编缩网罗职联肤胜脑节荐药营补装观]/;
  const traditionalOnly =
    /[這們個麼為從與業東兩嚴並見規視覺認證識設訪詞試話該詳語說請諾讀課誰調謝談賬質貼費資軟轉輕載較輸輯邊達過運還進遠連遲適選遞郵釋鐘鑰錯鍵長門問間閱隊陽階際陸險隨難須顧頓預領題顏額風飛驗馬號碼戶動務辦發變聽啟員團圍國圖場塊複備頭實對導盡層歲帳幫張強歸當錄總惊慣願戲執擴掃護報擔擇換據損攝擺數斷無時顯機權條來極構標樹樣檔檢樓歡殘沒測瀏靈點熱狀獨環現電畫監蓋盤離種積稱穩簽簡類級紀約純紙線組細終經結給絡絕統繼續維綜緩編縮網羅職聯膚勝腦節營補裝觀]/;

  it('simplified text has no traditional character', () => {
    expect(entries('zh-Hans').filter(([, value]) => traditionalOnly.test(value))).toEqual([]);
  });

  it('traditional text has no simplified character', () => {
    expect(entries('zh-Hant').filter(([, value]) => simplifiedOnly.test(value))).toEqual([]);
  });

  it('traditional text uses the words of Hong Kong, Macao and Taiwan', () => {
    const mainland = /手機號碼|登錄|驗證器應用(?!程式)|短信|賬號|屏幕|軟件更新|恢復碼|設備|添加|摄像|攝像頭/;
    expect(entries('zh-Hant').filter(([, value]) => mainland.test(value))).toEqual([]);
  });

  it('Latin-script texts have no Chinese character', () => {
    for (const locale of ['en', 'pt'] as const) {
      expect(entries(locale).filter(([, value]) => /\p{Script=Han}/u.test(value))).toEqual([]);
    }
  });

  it('Portuguese is of Macao and Portugal', () => {
    const brazil = /\b(você|tela|senha|cadastr\w*|usuário|celular|arquivo|aplicativo|salvar|deletar)\b/i;
    expect(entries('pt').filter(([, value]) => brazil.test(value))).toEqual([]);
  });
});

describe('punctuation', () => {
  it.each(['zh-Hans', 'zh-Hant'] as const)('%s uses full-width marks beside Chinese', (locale) => {
    const half = /\p{Script=Han}[,;:!?]|\p{Script=Han}\.(\s|$)|[,;!?]\p{Script=Han}|[“”](?=.*「)/u;
    expect(entries(locale).filter(([, value]) => half.test(value))).toEqual([]);
  });

  it('quotes as each language does', () => {
    expect(entries('zh-Hant').filter(([, value]) => /[“”"]/.test(value))).toEqual([]);
    expect(entries('zh-Hans').filter(([, value]) => /[「」"]/.test(value))).toEqual([]);
    expect(entries('pt').filter(([, value]) => /[“”"]/.test(value))).toEqual([]);
    expect(entries('en').filter(([, value]) => /[«»"]/.test(value))).toEqual([]);
  });

  it('has no stray space, and no trade acronym', () => {
    const keepsSpace = new Set(['common.error_prefix', 'common.list_separator']);
    for (const locale of i18n.locales) {
      for (const [key, value] of entries(locale)) {
        if (!keepsSpace.has(key)) expect(value, key).toBe(value.trim());
        expect(value, key).not.toMatch(/ {2}|\b(OIDC|OAuth|acr|amr|IAL|AAL|FAL|WebAuthn|FIDO|TOTP|UV|RP)\b/);
      }
    }
  });

  it('ends a sentence in the same way in all languages', () => {
    const ends = (value: string) =>
      /[.。]$/.test(value) ? 'stop' : /[?？]\s*$/.test(value) ? 'question' : /[:：]\s*$/.test(value) ? 'colon' : 'none';
    const different = all('en').filter(
      (key) => new Set(i18n.locales.map((locale) => ends(String(text(locale, key))))).size > 1,
    );
    expect(different).toEqual([]);
  });
});

describe('the choice of language', () => {
  it.each([
    [{}, 'zh-Hans'],
    [{ acceptLanguage: 'zh-HK,zh;q=0.9,en;q=0.8' }, 'zh-Hant'],
    [{ acceptLanguage: 'zh-MO' }, 'zh-Hant'],
    [{ acceptLanguage: 'zh-TW' }, 'zh-Hant'],
    [{ acceptLanguage: 'zh-CN' }, 'zh-Hans'],
    [{ acceptLanguage: 'zh' }, 'zh-Hans'],
    [{ acceptLanguage: 'pt-PT,pt;q=0.9' }, 'pt'],
    [{ acceptLanguage: 'en;q=0.3, pt-BR;q=0.7' }, 'pt'],
    [{ acceptLanguage: 'fr-FR' }, 'en'],
    [{ acceptLanguage: 'fr-FR, zh-TW;q=0.1' }, 'zh-Hant'],
    [{ acceptLanguage: 'en;q=0, zh-HK' }, 'zh-Hant'],
    [{ acceptLanguage: '*' }, 'en'],
    [{ acceptLanguage: `${'x'.repeat(10_000)},;;q=a,-,--` }, 'en'],
    [{ uiLocales: 'fr zh-HK', acceptLanguage: 'en' }, 'zh-Hant'],
    [{ cookie: 'pt', uiLocales: 'en', acceptLanguage: 'zh' }, 'pt'],
    [{ query: 'en', cookie: 'pt' }, 'en'],
    [{ query: 'zh-TW', acceptLanguage: 'en' }, 'zh-Hant'],
    [{ query: '../../etc', cookie: '<script>', acceptLanguage: 'pt' }, 'pt'],
  ])('%j -> %s', (wish, locale) => expect(i18n.negotiate(wish)).toBe(locale));

  it('refuses to show a hole', () => {
    expect(() => i18n.t('en', 'common.nothing')).toThrow('no text for');
    expect(() => i18n.t('en', 'common.step', { step: 1 })).toThrow('no text for');
    expect(i18n.t('en', 'journey.choose.minutes', { count: 1 })).toBe('About 1 minute');
    expect(i18n.t('pt', 'journey.choose.minutes', { count: 2 })).toBe('Cerca de 2 minutos');
  });
});
