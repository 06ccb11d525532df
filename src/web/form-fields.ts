/** What a form posted: each field once, or all its values in order where it stands several times. */
export type FormFields = Record<string, string | string[]>;

/**
 * Reads `application/x-www-form-urlencoded` (WHATWG URL 5.1). A name is a name: dots and brackets in it mean nothing, a field
 * may be repeated as often as the body allows, and none is dropped. Parsers that read nesting into names (qs) turned
 * `settings.client_id` into an object, a field repeated more than twenty times too, and stopped after a thousand.
 */
export function fieldsOf(body: string): FormFields {
  const fields: FormFields = Object.create(null);
  for (const [name, value] of new URLSearchParams(body)) {
    const known = fields[name];
    if (known === undefined) fields[name] = value;
    else if (typeof known === 'string') fields[name] = [known, value];
    else known.push(value);
  }
  return fields;
}
