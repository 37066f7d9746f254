/** What goes to a thread of the background and comes back: plain data, as threads share nothing else. */
import type { ImportEnd, ImportTask } from './imports/run.ts';

export type BackgroundTask =
  | ({ readonly kind: 'import' } & ImportTask)
  | { readonly kind: 'fold'; readonly workspaceId: number }
  | { readonly kind: 'rebuild'; readonly workspaceId: number }
  | { readonly kind: 'keep'; readonly workspaceId: number }
  | { readonly kind: 'sweep'; readonly workspaceId: number }
  | { readonly kind: 'settle'; readonly workspaceId: number };

export interface BackgroundResults {
  readonly import: ImportEnd;
  /** Shards that had something pending. */
  readonly fold: { readonly shards: number };
  readonly rebuild: Record<string, never>;
  /** Bitmaps of leaves that were made. */
  readonly keep: { readonly made: number };
  /** Values that left the dictionary. */
  readonly sweep: { readonly removed: number };
  /** Erased and merged users whom a calculation that still runs may not have seen go. */
  readonly settle: { readonly left: number };
}

export interface BackgroundSettings {
  readonly url: string;
}
