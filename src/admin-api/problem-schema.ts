import { z } from 'zod';
import { output } from './schemas.ts';

export const faultSchema = output(
  'Fault',
  z.strictObject({
    in: z.enum(['body', 'query', 'path', 'header']),
    pointer: z.string().describe('JSON pointer (RFC 6901) into that part of the request.'),
    code: z.string(),
    detail: z.string(),
  }),
);

export const problemSchema = output(
  'Problem',
  z.strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('Stable; decide by it.'),
    detail: z.string().optional(),
    instance: z.string().optional().describe('Names the request in the logs of the city.'),
    errors: z.array(faultSchema).optional().describe('Every fault of the request.'),
  }),
);
