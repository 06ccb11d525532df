export interface EngineForm {
  readonly action: string;
  readonly fields: readonly { readonly name: string; readonly value: string }[];
}

const attribute = (tag: string, name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];
const entities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&quot;': '"',
  '&#39;': "'",
  '&lt;': '<',
  '&gt;': '>',
};
const decode = (text: string) => text.replaceAll(/&(amp|quot|#39|lt|gt);/g, (entity) => entities[entity] ?? entity);

/**
 * The engine hands its logout form over as HTML. Its action and hidden fields are read out and the view draws them
 * itself, escaped, so that no view prints HTML made elsewhere.
 */
export function engineForm(html: string): EngineForm {
  const action = attribute(/<form\b[^>]*>/.exec(html)?.[0] ?? '', 'action') ?? '';
  const fields = [...html.matchAll(/<input\b[^>]*>/g)].flatMap(([tag]) => {
    const name = attribute(tag, 'name');
    return name === undefined ? [] : [{ name: decode(name), value: decode(attribute(tag, 'value') ?? '') }];
  });
  return { action: decode(action), fields };
}
