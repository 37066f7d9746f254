import type { SimulatedSegment } from './world.ts';

export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** Which segments: asked once for each. */
export type Who = (segment: SimulatedSegment) => boolean;

export const everything: Who = () => true;
export const withKind =
  (kind: string): Who =>
  ({ kinds }) =>
    kinds.includes(kind);
export const inWorkspace =
  (workspace: string): Who =>
  (segment) =>
    segment.workspace === workspace;
export const named =
  (name: string): Who =>
  (segment) =>
    segment.name === name;
export const both =
  (a: Who, b: Who): Who =>
  (segment) =>
    a(segment) && b(segment);

/** × at a moment, in milliseconds from the beginning of the scenario. */
export type Course = (at: number) => number;

/** From 1 to `to`, in a straight line over `overMs`; stays there. */
export const ramp =
  (from: number, overMs: number, to: number): Course =>
  (at) =>
    1 + (to - 1) * Math.min(1, Math.max(0, (at - from) / overMs));
export const step =
  (from: number, to: number): Course =>
  (at) =>
    at < from ? 1 : to;
export const until =
  (end: number, course: Course): Course =>
  (at) =>
    at < end ? course(at) : 1;
/** On for the first part of each period. */
export const alternating =
  (from: number, onMs: number, periodMs: number, to: number): Course =>
  (at) =>
    at >= from && (at - from) % periodMs < onMs ? to : 1;
/** Only in these hours of the day (UTC), such as 22 to 6. */
export const inHours =
  (first: number, last: number, course: Course): Course =>
  (at) => {
    const hour = (at % DAY) / HOUR;
    const inside = first <= last ? hour >= first && hour < last : hour >= first || hour < last;
    return inside ? course(at) : 1;
  };

/** Something that makes calculations slower or faster. Several multiply. */
export interface Fault {
  readonly who: Who;
  readonly course: Course;
}

/** More of the calculations take many times their time, for a while. */
export interface Storm {
  readonly who: Who;
  readonly from: number;
  readonly until: number;
  readonly share: number;
}

/** How often a segment is calculated, × usual, in the hour that begins at `at`. */
export interface Mix {
  readonly who: Who;
  readonly course: Course;
}

/** A segment is there from then on; or it is another version of itself, that takes × as long, with other kinds maybe. */
export interface Arrival {
  readonly who: Who;
  readonly from: number;
}
export interface Edit {
  readonly who: Who;
  readonly from: number;
  readonly factor: number;
  readonly kinds?: readonly string[];
}
