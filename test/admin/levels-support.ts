import type { Desk } from '../support/staff-http.ts';

/** Everything a browser would send if the form were sent as it is: what is filled in, ticked and chosen. */
export function fieldsOf(html: string, action: string): Record<string, string[]> {
  const start = html.indexOf(`action="${action}"`);
  if (start < 0) throw new Error(`no form ${action}`);
  const form = html.slice(start, html.indexOf('</form>', start));
  const fields: Record<string, string[]> = {};
  const add = (name: string, value: string) => {
    fields[name] = [...(fields[name] ?? []), unescaped(value)];
  };
  for (const [, attributes = ''] of form.matchAll(/<input ([^>]*)>/g)) {
    const of = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(attributes)?.[1];
    const box = of('type') === 'checkbox' || of('type') === 'radio';
    const name = of('name');
    if (name !== undefined && name !== '_csrf' && (!box || attributes.endsWith(' checked')))
      add(name, of('value') ?? '');
  }
  for (const [, name = '', options = ''] of form.matchAll(/<select [^>]*name="([^"]+)"[^>]*>([\s\S]*?)<\/select>/g)) {
    const chosen = /<option value="([^"]*)" selected>/.exec(options) ?? /<option value="([^"]*)"/.exec(options);
    add(name, chosen?.[1] ?? '');
  }
  for (const [, name = '', text = ''] of form.matchAll(/<textarea [^>]*name="([^"]+)"[^>]*>([\s\S]*?)<\/textarea>/g))
    add(name, text);
  return fields;
}

const unescaped = (text: string) =>
  text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');

/** Text of each fault in the list above a form or a draft, by the field it points to. */
export function faultsOf(html: string): Record<string, string[]> {
  const list = /<ul class="faults">([\s\S]*?)<\/ul>/.exec(html)?.[1] ?? '';
  const faults: Record<string, string[]> = {};
  for (const [, field = '', linked, plain] of list.matchAll(
    /<li>(?:<a href="[^"#]*#f-([^"]+)">([^<]+)<\/a>|([^<]+))<\/li>/g,
  ))
    faults[field] = [...(faults[field] ?? []), unescaped(linked ?? plain ?? '')];
  return faults;
}

export const loaPath = (draft: string, n: number) => `${draft}/${encodeURIComponent(`urn:shimin:loa:${n}`)}`;

/** The level's page, changed like a reader would, and sent by one of its buttons. */
export async function edit(
  desk: Desk,
  path: string,
  changes: Record<string, string | string[] | null>,
  button = 'save',
): Promise<Response> {
  const html = await (await desk.get(path, 'text/html')).text();
  const { end, ...fields } = fieldsOf(html, `${path}/save`);
  const form: Record<string, string | string[]> = { ...fields, do: button };
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete form[name];
    else form[name] = value;
  }
  return desk.post(`${path}/save`, { ...form, end: end ?? [] });
}
