import type { Intake } from '../../ingest/intake.ts';
import { MAX_BATCH_BYTES, MAX_MESSAGE_BYTES } from '../../ingest/limits.ts';
import { MESSAGE_TYPES, type MessageKind, parseMessages } from '../../ingest/messages.ts';
import type { Metrics } from '../metrics.ts';
import { defineRoute, ok, type Route } from '../route.ts';
import * as s from '../schemas.ts';

const SUMMARIES: Record<MessageKind, string> = {
  identify: 'Say who a user is',
  track: 'Say what a user did',
  page: 'Say which page a user saw',
  screen: 'Say which screen a user saw',
  group: 'Say which group a user belongs to',
  alias: 'Say that two ids are the same user',
  batch: 'Send many messages at once',
};

/** Types of the messages, for the counter; the body was parsed already, so they are there. */
const countTypes = (metrics: Metrics, kind: MessageKind, body: unknown): void => {
  if (kind !== 'batch') metrics.message(kind);
  else for (const { type } of (body as { batch: { type: string }[] }).batch) metrics.message(type);
};

/** Segment's HTTP tracking API: an SDK works with only its host changed. */
export const ingestionRoutes = (intake: Intake, metrics: Metrics): Route[] =>
  ([...MESSAGE_TYPES, 'batch'] as const).map((kind) =>
    defineRoute({
      method: 'post',
      path: `/v1/${kind}`,
      tag: 'ingestion',
      summary: SUMMARIES[kind],
      description:
        'As in Segment’s HTTP tracking API. Answered when it is stored; a repeat of a messageId counts once.',
      access: 'workspace',
      body: { schema: s.MESSAGES[kind], maxBytes: kind === 'batch' ? MAX_BATCH_BYTES : MAX_MESSAGE_BYTES },
      answers: { 200: { description: 'Stored.', content: { 'application/json': s.ingested } } },
      handle: async ({ caller, body }) => {
        await intake.accept(caller.workspaceId, parseMessages(body, kind, Date.now()));
        countTypes(metrics, kind, body);
        return ok({ success: true });
      },
    }),
  );
