import type { PeerName } from '../peers/peer.ts';
import type { Phase } from '../service/client.ts';
import { type Spread, spreadOf } from '../spread.ts';

/** One line of the JSON: a piece of work beside the same by a peer, milliseconds. */
export interface Row {
  readonly work: string;
  readonly users: number;
  readonly peer: PeerName;
  readonly evenkeelMs: { readonly p50: number; readonly p99: number };
  readonly peerMs: { readonly p50: number; readonly p99: number };
  /** Of the peer by ours, at p50. */
  readonly ratio: number;
}

/** What is known of our own side of a piece of work. */
export interface Own extends Spread {
  readonly members?: number;
  readonly phasesMs?: Readonly<Record<Phase, number>>;
}

/** Everything that a run finds out. */
export class Findings {
  readonly users: number;
  readonly rows: Row[] = [];
  readonly own = new Map<string, Own>();
  /** By work and peer: runs of the peer, and its spread. */
  readonly peers = new Map<string, Spread>();
  /** Single figures by name, with their unit in it. */
  readonly figures = new Map<string, number>();
  /** Works and peers whose members were compared, and whether they were equal. */
  readonly agreements = new Map<string, boolean>();

  constructor(users: number) {
    this.users = users;
  }

  /** Our own side, and each peer's, as measured in the same run. */
  add(
    work: string,
    own: readonly number[],
    peers: ReadonlyMap<PeerName, readonly number[]>,
    more: Omit<Own, keyof Spread> = {},
  ): void {
    const ours = spreadOf(own);
    this.own.set(work, { ...ours, ...more });
    for (const [peer, times] of peers) {
      if (times.length === 0) continue;
      const theirs = spreadOf(times);
      this.peers.set(`${work} ${peer}`, theirs);
      this.rows.push({
        work,
        users: this.users,
        peer,
        evenkeelMs: { p50: rounded(ours.p50), p99: rounded(ours.p99) },
        peerMs: { p50: rounded(theirs.p50), p99: rounded(theirs.p99) },
        ratio: rounded(theirs.p50 / ours.p50),
      });
    }
  }

  figure(name: string, value: number): void {
    this.figures.set(name, rounded(value));
  }

  rowOf(work: string, peer: PeerName): Row | undefined {
    return this.rows.find((row) => row.work === work && row.peer === peer);
  }
}

/** Four digits are more than a measurement holds. */
export const rounded = (value: number): number => Number(value.toPrecision(4));
