export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** Text of the element with this id, or undefined when there is none. */
  text(id: string): string | undefined;
}

export interface Browser {
  get(url: string): Promise<Page>;
  post(url: string, fields: Record<string, string>, headers?: Record<string, string>): Promise<Page>;
  /** Posts the form whose button or action is named, with its hidden fields. */
  submit(page: Page, action: string, fields?: Record<string, string>): Promise<Page>;
  readonly trail: string[];
  readonly visited: URL[];
  cookies(url: string): ReadonlyMap<string, string>;
}

/** A browser of sorts: cookies by host and port, redirects followed one by one. */
export function openBrowser(): Browser {
  const jars = new Map<string, Map<string, string>>();
  const trail: string[] = [];
  const visited: URL[] = [];

  async function go(
    method: string,
    target: string,
    form?: URLSearchParams,
    extra?: Record<string, string>,
  ): Promise<Page> {
    let url = new URL(target);
    let verb = method;
    let body = form;
    for (let hop = 0; hop < 20; hop += 1) {
      trail.push(`${verb} ${url.pathname}`);
      visited.push(url);
      const jar = jars.get(url.host) ?? new Map<string, string>();
      jars.set(url.host, jar);
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const headers = { 'accept-language': 'en', ...(cookie !== '' && { cookie }), ...(hop === 0 && extra) };
      const answer = await fetch(url, {
        method: verb,
        headers,
        redirect: 'manual',
        ...(body !== undefined && { body }),
      });
      for (const line of answer.headers.getSetCookie()) {
        const [pair = ''] = line.split(';');
        const at = pair.indexOf('=');
        if (/expires=thu, 01 jan 1970/i.test(line)) jar.delete(pair.slice(0, at));
        else jar.set(pair.slice(0, at), pair.slice(at + 1));
      }
      const location = answer.headers.get('location');
      const text = await answer.text();
      if (location === null) {
        return {
          url,
          status: answer.status,
          headers: answer.headers,
          body: text,
          text: (id) => new RegExp(`<(\\w+)[^>]*\\bid="${id}"[^>]*>([\\s\\S]*?)</\\1>`).exec(text)?.[2],
        };
      }
      url = new URL(location, url);
      verb = 'GET';
      body = undefined;
    }
    throw new Error(`too many redirects: ${trail.slice(-20).join(', ')}`);
  }

  return {
    trail,
    visited,
    cookies: (url) => new Map(jars.get(new URL(url).host)),
    get: (url) => go('GET', url),
    post: (url, fields, headers) => go('POST', url, new URLSearchParams(fields), headers),
    submit(page, action, fields = {}) {
      const form = new RegExp(`<form[^>]*action="([^"]*${action})"[^>]*>([\\s\\S]*?)</form>`).exec(page.body);
      if (form === null) throw new Error(`no form ${action} on ${page.url.href}: ${page.body}`);
      const hidden = [...(form[2] ?? '').matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)];
      const all = Object.fromEntries(hidden.map((each) => [each[1] ?? '', each[2] ?? '']));
      return go('POST', new URL(form[1] ?? '', page.url).href, new URLSearchParams({ ...all, ...fields }));
    },
  };
}
