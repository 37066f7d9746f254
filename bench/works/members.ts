import type { Bench } from '../bench.ts';
import { userNumberOf } from '../data/users.ts';
import type { Peer } from '../peers/peer.ts';
import { membersOf } from '../service/client.ts';
import type { Query } from './conditions.ts';

/** A set of users, by number. */
class Users {
  readonly #bits: Uint8Array;
  size = 0;

  constructor(users: number) {
    this.#bits = new Uint8Array((users >> 3) + 1);
  }

  has(number: number): boolean {
    return ((this.#bits[number >> 3] ?? 0) & (1 << (number & 7))) !== 0;
  }

  add(number: number): void {
    if (this.has(number)) return;
    this.#bits[number >> 3] = (this.#bits[number >> 3] ?? 0) | (1 << (number & 7));
    this.size++;
  }
}

/** The members that the service stored for a segment, streamed by HTTP. */
export const storedMembers = async (bench: Bench, segment: string): Promise<Users> => {
  const found = new Users(bench.options.users);
  for await (const userId of membersOf(bench.service.server, segment)) found.add(userNumberOf(userId));
  return found;
};

/** Compares what a peer stored with what the service stored, member by member, and notes the outcome. */
export const compareMembers = async (
  bench: Bench,
  work: string,
  query: Query,
  peer: Peer,
  ours: Users,
): Promise<void> => {
  const theirs = new Users(bench.options.users);
  let strangers = 0;
  for await (const number of peer.members(query)) {
    theirs.add(number);
    if (!ours.has(number)) strangers++;
  }
  bench.findings.agreements.set(`${work} ${peer.name}`, strangers === 0 && theirs.size === ours.size);
};
