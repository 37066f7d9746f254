import { z } from 'zod';
import { conditionSchema } from '../conditions/index.ts';
import type { Answer, Route } from './route.ts';
import { errorBody } from './schemas.ts';

type Json = Record<string, unknown>;

const SCHEMAS = '#/components/schemas/';
const ref = (name: string): Json => ({ $ref: `${SCHEMAS}${name}` });
const JSON_SCHEMA = { unrepresentable: 'any', uri: (id: string) => `${SCHEMAS}${id}` } as const;

const idOf = (schema: z.ZodType): string => {
  const id = schema.meta()?.id;
  if (id === undefined) throw new Error('a schema of a request or an answer has no id: give it .meta({ id })');
  return id;
};

/** JSON Schema repeats its dialect and its own address in each; OpenAPI says both once. */
const plain = ({ $schema, $id, id, ...schema }: Json): Json => schema;

const componentSchemas = (): Json => {
  // Registered by the conditions room when it is loaded; every condition in a request refers to it.
  idOf(conditionSchema);
  const { schemas } = z.toJSONSchema(z.globalRegistry, { ...JSON_SCHEMA, io: 'input' });
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, plain(schema as Json)]));
};

const parametersOf = (place: 'path' | 'query', schema: z.ZodObject | undefined): Json[] => {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { unrepresentable: 'any', io: 'output' });
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: property,
  }));
};

const contentOf = (content: Answer['content']): Json =>
  content === undefined
    ? {}
    : {
        content: Object.fromEntries(
          Object.entries(content).map(([type, schema]) => [
            type,
            { schema: schema === 'text' ? { type: 'string' } : ref(idOf(schema)) },
          ]),
        ),
      };

const STREAMS = ['text/csv', 'application/x-ndjson'];

const bodyOf = (route: Route): Json => {
  if (route.body === undefined) return {};
  if (route.body === 'stream')
    return {
      requestBody: {
        required: true,
        description: 'The file itself, as it is or compressed with Content-Encoding gzip, deflate or br.',
        content: Object.fromEntries((route.streams ?? STREAMS).map((type) => [type, { schema: { type: 'string' } }])),
      },
    };
  return {
    requestBody: {
      required: route.body.optional !== true,
      content: { 'application/json': { schema: ref(idOf(route.body.schema)) } },
    },
  };
};

const operation = (route: Route): Json => {
  const parameters = [...parametersOf('path', route.params), ...parametersOf('query', route.query)];
  const answers = Object.entries(route.answers).map(([status, answer]) => [
    status,
    { description: answer.description, ...contentOf(answer.content) },
  ]);
  return {
    operationId: `${route.method} ${route.path}`.replace(
      /[^A-Za-z0-9]+(.)?/g,
      (_, next: string | undefined) => next?.toUpperCase() ?? '',
    ),
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...bodyOf(route),
    responses: {
      ...Object.fromEntries(answers),
      default: {
        description: 'What was wrong, where, and what to do.',
        content: { 'application/json': { schema: ref(idOf(errorBody)) } },
      },
    },
    security: route.access === 'open' ? [] : [{ bearer: [] }, { basic: [] }],
  };
};

/** The contract as OpenAPI 3.1, made of the routes that serve it. */
export const openApi = (routes: readonly Route[], version: string): Json => {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replace(/:([A-Za-z]+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Evenkeel',
      version,
      summary: 'Segment calculation on PostgreSQL',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A workspace key, or the operator key.' },
        basic: { type: 'http', scheme: 'basic', description: 'The key as user name, as the ingestion SDKs send it.' },
      },
    },
  };
};
