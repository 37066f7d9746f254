import { between, logBetween, normal, type Random, shuffled } from './random.ts';

/** A segment that is calculated again and again. */
export interface SimulatedSegment {
  readonly index: number;
  readonly workspace: string;
  readonly name: string;
  /** Sorted. */
  readonly kinds: readonly string[];
  readonly population: number;
  /** ln of the milliseconds that it takes at its first population. */
  readonly lnMs: number;
  /** Its time grows with the population to this power. */
  readonly alpha: number;
  /** How often it is calculated, beside the others. */
  readonly weight: number;
}

export interface WorldOptions {
  readonly segments: number;
  readonly workspaces: number;
  /** The part of the segments that have each kind. Kinds overlap; a segment that got none has the commonest. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly alpha: readonly [number, number];
  /** Two kinds that only occur together, but for so many segments with the first alone and so many with the second. */
  readonly twins?: { readonly of: string; readonly with: string; readonly singles: number };
  /** Spread of the frequencies: of their logarithms. */
  readonly weightSpread: number;
}

export const KINDS: Readonly<Record<string, number>> = {
  'property.equals': 0.45,
  'property.number': 0.3,
  'event.count': 0.3,
  'property.date': 0.2,
  'property.is_set': 0.15,
  'property.text': 0.12,
  'event.where': 0.1,
  'property.array': 0.1,
  'event.aggregate': 0.07,
  segment: 0.05,
};

export const WORLD: WorldOptions = {
  segments: 400,
  workspaces: 40,
  kinds: KINDS,
  alpha: [0.6, 1],
  weightSpread: 1,
};

/** Workspaces of very different size, and segments that have as many of each kind as was asked for. */
export const makeWorld = (random: Random, options: WorldOptions): SimulatedSegment[] => {
  const workspaces = Array.from({ length: options.workspaces }, (_, n) => ({
    name: `workspace-${String(n + 1).padStart(2, '0')}`,
    population: Math.round(logBetween(random, 2_000, 2_000_000)),
    share: Math.exp(0.8 * normal(random)),
  }));
  const shares = workspaces.reduce((sum, { share }) => sum + share, 0);
  const ownerOf = (): (typeof workspaces)[number] => {
    let left = random() * shares;
    return workspaces.find(({ share }) => (left -= share) < 0) ?? workspaces[0]!;
  };
  const kindsOf = dealKinds(random, options);
  return Array.from({ length: options.segments }, (_, index) => {
    // each workspace has one at least
    const workspace = workspaces[index] ?? ownerOf();
    const kinds = kindsOf[index]!;
    const alpha = between(random, ...options.alpha);
    const perKind = Math.exp(0.6 * normal(random)) * (0.6 + 0.4 * kinds.length);
    return {
      index,
      workspace: workspace.name,
      name: `segment-${String(index + 1).padStart(3, '0')}`,
      kinds,
      population: workspace.population,
      lnMs: Math.log(4 * perKind * (workspace.population / 20_000) ** 0.7),
      alpha,
      weight: Math.exp(options.weightSpread * normal(random)),
    };
  });
};

const dealKinds = (random: Random, { segments, kinds, twins }: WorldOptions): string[][] => {
  const dealt = Array.from({ length: segments }, () => new Set<string>());
  for (const [kind, share] of Object.entries(kinds)) {
    const order = shuffled(random, [...dealt.keys()]);
    for (const index of order.slice(0, Math.round(share * segments))) dealt[index]!.add(kind);
  }
  if (twins !== undefined) {
    const together = dealt.filter((set) => set.has(twins.of));
    for (const set of dealt) set.delete(twins.with);
    for (const set of together.slice(twins.singles)) set.add(twins.with);
    for (const set of together.slice(-twins.singles)) set.delete(twins.of);
  }
  const [commonest] = Object.entries(kinds).sort(([, a], [, b]) => b - a)[0]!;
  return dealt.map((set) => (set.size === 0 ? [commonest] : [...set].sort()));
};
