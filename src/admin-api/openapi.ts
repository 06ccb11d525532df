import { z } from 'zod';
import type { ApiDeps } from './deps.ts';
import { type ApiOperation, tags } from './operation.ts';
import { namedInputs, namedOutputs } from './schemas.ts';

type Json = Record<string, unknown>;

const refTo = (id: string) => ({ $ref: `#/components/schemas/${id}` });
const about: Readonly<Record<(typeof tags)[number], string>> = {
  Policy: 'Levels, their rules and what apps require: one versioned document.',
  Changes: 'What one member of staff proposes and another decides.',
  Apps: 'Relying parties: settings, secrets, on and off.',
  Sources: 'Where evidence comes from.',
  Staff: 'Who holds which role.',
  Audit: 'The chain of everything that was done.',
  Decisions: 'Why a sign-in went as it did.',
  Counts: 'Numbers a day.',
  People: 'How well an account is known, for support.',
};

/** The description (OpenAPI 3.1), from the schemas that validate requests; tests hold every answer against the others. */
export function describeApi(
  operations: readonly ApiOperation[],
  { issuer, address }: Pick<ApiDeps, 'issuer' | 'address'>,
): Json {
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    paths[operation.path] ??= {};
    Object.assign(paths[operation.path] ?? {}, { [operation.method]: operationObject(operation, address.scope) });
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Shimin Admin API',
      version: '1',
      description:
        'What the console of the city’s identity provider does, for programs. docs/api.md tells how to begin.',
      license: { name: 'Proprietary', identifier: 'LicenseRef-Proprietary' },
    },
    servers: [{ url: `${issuer}${address.path}` }],
    tags: tags.map((name) => ({ name, description: about[name] })),
    security: [{ app: [address.scope] }],
    paths,
    components: {
      schemas: schemasOf(operations),
      responses,
      parameters,
      headers,
      securitySchemes: {
        app: {
          type: 'oauth2',
          description: `An app’s own token: client credentials, scope \`${address.scope}\` alone, resource \`${address.resource}\`.`,
          flows: {
            clientCredentials: {
              tokenUrl: `${issuer}/token`,
              scopes: { [address.scope]: 'Use this API in the roles that the app holds.' },
            },
          },
        },
      },
    },
  };
}

const bodyName = ({ id, body }: ApiOperation): string =>
  [...namedInputs].find(([, schema]) => schema === body)?.[0] ?? `${id[0]?.toUpperCase()}${id.slice(1)}Body`;

function outputName({ id, answer }: ApiOperation): string {
  const [name] = [...namedOutputs].find(([, schema]) => schema === answer.schema) ?? [];
  if (name === undefined) throw new TypeError(`the answer of ${id} has no name`);
  return name;
}

/** Everything that has a name, in both directions. */
function schemasOf(operations: readonly ApiOperation[]): Json {
  const sent = new Map(namedInputs);
  for (const operation of operations) if (operation.takesBody) sent.set(bodyName(operation), operation.body);
  return { ...jsonSchemas(sent, 'input'), ...jsonSchemas(namedOutputs, 'output') };
}

function jsonSchemas(named: ReadonlyMap<string, z.ZodType>, io: 'input' | 'output'): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of named) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { io, uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _, $id: __, id: ___, ...schema }]) => [id, schema]),
  );
}

function operationObject(operation: ApiOperation, scope: string): Json {
  const { answer } = operation;
  return {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    'x-permission': operation.permission,
    security: [{ app: [scope] }],
    parameters: parametersOf(operation),
    ...(operation.takesBody
      ? { requestBody: { required: true, content: { 'application/json': { schema: refTo(bodyName(operation)) } } } }
      : {}),
    responses: {
      [answer.status]: {
        description: answer.description,
        headers: headersOf(operation),
        content: { 'application/json': { schema: refTo(outputName(operation)) } },
      },
      ...Object.fromEntries(
        problemsOf(operation).map((name) => [codes[name], { $ref: `#/components/responses/${name}` }]),
      ),
    },
  };
}

function parametersOf(operation: ApiOperation): Json[] {
  return [
    ...plainParameters(operation.params, 'path'),
    ...plainParameters(operation.query, 'query'),
    ...(operation.changes ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
    ...(operation.onRevision ? [{ $ref: '#/components/parameters/IfMatch' }] : []),
  ];
}

function plainParameters(schema: z.ZodType, where: 'path' | 'query'): Json[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' });
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = Object(property);
    return {
      name,
      in: where,
      required: where === 'path' || required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

function headersOf(operation: ApiOperation): Json {
  return {
    ...(operation.hasRevision ? { ETag: { $ref: '#/components/headers/ETag' } } : {}),
    ...(operation.changes ? { 'Idempotency-Replayed': { $ref: '#/components/headers/IdempotencyReplayed' } } : {}),
    ...(isList(operation) ? { Link: { $ref: '#/components/headers/Link' } } : {}),
  };
}

const isList = ({ query }: ApiOperation) =>
  Object.hasOwn(z.toJSONSchema(query, { io: 'input' }).properties ?? {}, 'after');

const parameters: Json = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: true,
    description: 'New for each thing to be done, the same when it is asked for again. Kept for 24 hours.',
    schema: { type: 'string', minLength: 1, maxLength: 64, pattern: '^[\\x21-\\x7e]+$' },
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    required: true,
    description: 'The ETag of what was seen.',
    schema: { type: 'string', pattern: '^"[\\x21\\x23-\\x7e]{1,64}"$' },
  },
};

const text = { schema: { type: 'string' } };
const headers: Json = {
  ETag: { description: 'The revision, for If-Match.', ...text },
  IdempotencyReplayed: { description: '`true`: nothing was done; this was the answer before.', ...text },
  Link: { description: 'The next page (`rel="next"`).', ...text },
  RetryAfter: { description: 'Seconds to wait.', schema: { type: 'integer' } },
  WWWAuthenticate: { description: 'RFC 6750.', ...text },
};

const codes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  Conflict: 409,
  PreconditionFailed: 412,
  TooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  PreconditionRequired: 428,
  TooManyRequests: 429,
} as const;
type ProblemName = keyof typeof codes;

function problemsOf(operation: ApiOperation): ProblemName[] {
  const body = operation.takesBody || operation.changes;
  const found: ProblemName[] = ['BadRequest', 'Unauthorized', 'Forbidden'];
  if (operation.path.includes('{') || operation.tag === 'Decisions' || operation.changes) found.push('NotFound');
  if (operation.changes) found.push('Conflict');
  if (operation.onRevision) found.push('PreconditionFailed', 'PreconditionRequired');
  if (body) found.push('TooLarge', 'UnsupportedMediaType');
  return [...found, 'Invalid', 'TooManyRequests'];
}

const refusal = (description: string, more: Json = {}) => ({
  description,
  ...more,
  content: { 'application/problem+json': { schema: refTo('Problem') } },
});
const header = (name: string, id: string) => ({ headers: { [name]: { $ref: `#/components/headers/${id}` } } });

const responses: Record<ProblemName, Json> = {
  BadRequest: refusal('Not acceptable JSON, or no Idempotency-Key.'),
  Unauthorized: refusal('No token, or none that is valid here.', header('WWW-Authenticate', 'WWWAuthenticate')),
  Forbidden: refusal('The token lacks the scope, the app the role; or nobody decides what they proposed.'),
  NotFound: refusal('There is no such thing.'),
  Conflict: refusal('It is not any more, or not yet, in the state for this.'),
  PreconditionFailed: refusal('It was changed since the revision that was seen.'),
  TooLarge: refusal('More than 1 MiB.'),
  UnsupportedMediaType: refusal('Only application/json is taken.'),
  Invalid: refusal('`errors` names every fault; or the Idempotency-Key belongs to another request.'),
  PreconditionRequired: refusal('If-Match is missing.'),
  TooManyRequests: refusal('Too many requests of this app.', header('Retry-After', 'RetryAfter')),
};
