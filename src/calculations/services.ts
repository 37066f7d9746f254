/** The signatures that the doors call. Everything throws EvenkeelError and gives JSON-ready resources. */
import type { FunnelLeaf, FunnelNode } from './funnel.ts';
import type { WhyNode } from './why.ts';
import type { ListRole } from '../conditions/types.ts';
import type { ListChange, ListMode } from './lists.ts';
import type { Prediction } from './schedule/prediction.ts';
import type { CalculationResource, ListUploadResource, SegmentResource, SnapshotResource } from './resources.ts';

export interface Page {
  readonly limit?: number;
  readonly cursor?: string;
}

export interface SegmentsService {
  /** `body`: `{key?, name, description?, condition | userIds, include?, exclude?}` as it came. Throws 422, and 409 where the key is taken. */
  create(workspaceId: number, body: unknown): Promise<SegmentResource>;
  list(workspaceId: number, page?: Page): Promise<{ segments: SegmentResource[]; nextCursor: string | null }>;
  get(workspaceId: number, key: string): Promise<SegmentResource>;
  /** `body`: any of `{name, description, condition, userIds, include, exclude}`. */
  update(workspaceId: number, key: string, body: unknown): Promise<SegmentResource>;
  /** Throws 409 naming the segments that use it. */
  delete(workspaceId: number, key: string): Promise<void>;
}

/** The lists of userIds that segments have. */
export interface ListsService {
  /**
   * Changes a list of a segment, as a whole or not at all.
   *
   * @param ids gives valid ids in batches, from the beginning each time that it is called
   */
  upload(
    workspaceId: number,
    key: string,
    role: ListRole,
    mode: ListMode,
    ids: () => ListChange['ids'],
  ): Promise<ListUploadResource>;
  /** The ids on a list, in their order. */
  page(
    workspaceId: number,
    key: string,
    role: ListRole,
    page?: Page,
  ): Promise<{ userIds: string[]; nextCursor: string | null }>;
  stream(workspaceId: number, key: string, role: ListRole): AsyncIterable<string>;
}

export interface CalculationFilters extends Page {
  readonly segment?: string;
  readonly state?: string;
  readonly trigger?: string;
  readonly kind?: string;
  /** ISO 8601: requested then or later. */
  readonly since?: string;
}

export interface Preview {
  readonly members: number;
  readonly population: number;
  readonly durationMs: number;
  /** userIds. */
  readonly sample: readonly string[];
}

export interface Explanation {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  /** PostgreSQL's, as `explain (format json)` gives it; with `analyze` also what it took. */
  readonly plan: unknown;
  readonly conditionKinds: readonly string[];
  readonly asOf: string;
  /** What a calculation should take, before it runs. */
  readonly expectedMs: number;
  readonly population: number;
  readonly members: number;
  /** The condition with how many users come to each node and hold. */
  readonly funnel: FunnelNode;
  readonly leaves: readonly FunnelLeaf[];
  readonly [more: string]: unknown;
}

export interface MemberAnswer {
  readonly member: boolean;
  readonly asOf: string;
  /** The segment's condition with what each node says of the user. */
  readonly condition: WhyNode;
}

export interface CalculationsService {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** `body`: `{trigger?, deadline?, onLate?, wait?}`; it is committed when this resolves. */
  request(workspaceId: number, key: string, body: unknown): Promise<CalculationResource>;
  get(workspaceId: number, id: string): Promise<CalculationResource>;
  list(
    workspaceId: number,
    filters?: CalculationFilters,
  ): Promise<{ calculations: CalculationResource[]; nextCursor: string | null }>;
  /** How long the next calculation of a segment should take. */
  predict(workspaceId: number, key: string): Promise<Prediction>;
  /** Throws 409 where it has ended already. */
  cancel(workspaceId: number, id: string): Promise<CalculationResource>;
  /** Its state now, then at each change, until it has ended or `signal` aborts. */
  watch(workspaceId: number, id: string, signal?: AbortSignal): AsyncIterable<CalculationResource>;
  /** `body`: `{condition, sample?}`. */
  preview(workspaceId: number, body: unknown): Promise<Preview>;
  /** `body`: `{condition, analyze?}`. */
  explain(workspaceId: number, body: unknown): Promise<Explanation>;
  isMember(workspaceId: number, key: string, userId: string): Promise<MemberAnswer>;
  /** For gauges: threads, tasks that run on them, questions that wait for one. */
  utilisation(): { threads: number; busy: number; waiting: number };
  /** Calculations that wait for a thread, of all workspaces. */
  queueDepth(): Promise<number>;
}

export interface Member {
  readonly userId: string;
  /** Those that were asked for; null where the user has none. */
  readonly properties?: Readonly<Record<string, unknown>>;
}

export interface MembersPage {
  readonly snapshot: string;
  readonly asOf: string;
  readonly members: readonly { readonly userId: string }[];
  readonly nextCursor: string | null;
}

export interface Change {
  readonly userId: string;
  readonly change: 'entered' | 'left';
}

export interface ChangesPage {
  readonly snapshot: string;
  readonly since: string;
  readonly entered: readonly { readonly userId: string }[];
  readonly left: readonly { readonly userId: string }[];
  readonly nextCursor: string | null;
}

export interface SnapshotsService {
  /** Of one segment, newest first. */
  list(
    workspaceId: number,
    key: string,
    page?: Page,
  ): Promise<{ snapshots: SnapshotResource[]; nextCursor: string | null }>;
  get(workspaceId: number, id: string): Promise<SnapshotResource>;
  /** Throws 404 where the segment has none yet. */
  latest(workspaceId: number, key: string): Promise<SnapshotResource>;
  /** A page of the latest snapshot, or of the one that the cursor pins. */
  membersOfSegment(workspaceId: number, key: string, page?: Page): Promise<MembersPage>;
  members(workspaceId: number, id: string, page?: Page): Promise<MembersPage>;
  /** All of them, in bounded memory. `properties`: paths whose values come along. */
  stream(workspaceId: number, id: string, options?: { properties?: readonly string[] }): AsyncIterable<Member>;
  /** Who is in `id` and not in `since`, and the other way round. */
  changes(workspaceId: number, id: string, since: string, page?: Page): Promise<ChangesPage>;
  streamChanges(workspaceId: number, id: string, since: string): AsyncIterable<Change>;
  /** A newsletter's snapshot is no longer needed by it. */
  release(workspaceId: number, id: string): Promise<void>;
}
