import { hash, randomUUID } from 'node:crypto';
import type { Properties } from './properties.ts';

interface OperationBase {
  readonly userId: string;
  /** Of the message's text: what it takes while it waits. */
  readonly bytes: number;
  /** Of the messageId; a repeat with the same user and key is dropped. 32 hexadecimal digits. */
  readonly key?: string;
}
/** Merged into the user's properties (RFC 7396): `null` removes. */
export interface MergeOperation extends OperationBase {
  readonly kind: 'merge';
  readonly patch: Properties;
  /** No null is in it, so that it is already what a user without properties gets. */
  readonly plain?: boolean;
}
export interface ReplaceOperation extends OperationBase {
  readonly kind: 'replace';
  /** Without nulls. */
  readonly properties: Properties;
}
export interface EventOperation extends OperationBase {
  readonly kind: 'event';
  /** Every event has one, so that applying it again never counts it twice. */
  readonly key: string;
  readonly event: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** JSON of the event's properties, without nulls. */
  readonly properties: string;
}
/** `previousId` becomes another name of `userId`, with all that is known of it. */
export interface AliasOperation extends OperationBase {
  readonly kind: 'alias';
  readonly previousId: string;
}
/** What a caller wants done to one user. Applying any of these twice is the same as once. */
export type Operation = MergeOperation | ReplaceOperation | EventOperation | AliasOperation;

/** The first 16 bytes of sha256, as `message_keys.key` has it. */
export const keyOf = (text: string): string => hash('sha256', text, 'hex').slice(0, 32);

export const randomKey = (): string => randomUUID().replaceAll('-', '');
