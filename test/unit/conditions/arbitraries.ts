import fc from 'fast-check';
import type {
  Condition,
  EventCondition,
  PropertyCondition,
  Scalar,
  SequenceStep,
} from '../../../src/conditions/index.ts';

/** Conditions as types, of few names and values, so that siblings often meet. */

const text = fc.constantFrom('', 'a', 'b', 'é', '😀', '5', '__proto__', '"');
const value: fc.Arbitrary<Scalar> = fc.oneof(text, fc.constantFrom(0, 5, -1.5, 1e308, 5e-324), fc.boolean());
const values = fc.array(value, { minLength: 1, maxLength: 4 });
const property = fc.constantFrom('plan', 'address.city', '__proto__', 'constructor', 'a b');
const duration = fc
  .tuple(fc.integer({ min: 1, max: 5_000 }), fc.constantFrom(60_000, 3_600_000, 86_400_000, 604_800_000))
  .map(([count, unit]) => ({ ms: count * unit }));
const moment = fc.oneof(
  fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }),
  // what only an offset reaches
  fc.constantFrom(-62_135_596_800_000 - 57_540_000, 253_402_300_799_999 + 57_540_000, -62_135_596_800_001),
);
const ordered = fc
  .tuple(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.double({ noNaN: true, noDefaultInfinity: true }))
  .map(([a, b]) => [Math.min(a, b) + 0, Math.max(a, b) + 0] as const);

const leafOf = <O extends PropertyCondition['operator']>(operators: O[], held: fc.Arbitrary<unknown>) =>
  fc
    .tuple(property, fc.constantFrom(...operators), held)
    .map(
      ([name, operator, value]) =>
        ({ type: 'property', property: name, operator, value }) as unknown as PropertyCondition,
    );

export const propertyLeaf: fc.Arbitrary<PropertyCondition> = fc.oneof(
  fc
    .tuple(property, fc.constantFrom('is_set' as const, 'is_not_set' as const))
    .map(([name, operator]): PropertyCondition => ({ type: 'property', property: name, operator })),
  leafOf(['equals', 'not_equals', 'includes', 'not_includes'], value),
  leafOf(['in', 'not_in', 'includes_any', 'includes_all'], values),
  fc
    .tuple(
      leafOf(
        ['contains', 'not_contains', 'starts_with', 'ends_with', 'matches'],
        text.filter((one) => one !== ''),
      ),
      fc.boolean(),
    )
    .map(([leaf, ignoreCase]) => ({ ...leaf, ignoreCase }) as PropertyCondition),
  leafOf(['greater_than', 'at_least', 'less_than', 'at_most'], fc.constantFrom(0, 5, -1.5, 1e308)),
  leafOf(['between'], ordered),
  leafOf(['before', 'after', 'on'], moment),
  leafOf(['within_last', 'not_within_last', 'within_next'], duration),
  leafOf(
    ['anniversary'],
    fc.nat({ max: 400 }).map((days) => ({ ms: days * 86_400_000 })),
  ),
);

const times = fc.integer({ min: 0, max: 5 });
const count = fc.oneof(
  times.map((low) => ({ low, high: null })),
  fc.tuple(times, times).map(([low, more]) => ({ low, high: low + more })),
);
const window = fc.oneof(
  fc.constant({}),
  duration.map((last) => ({ last })),
  moment.map((from) => ({ from })),
  moment.map((to) => ({ to })),
  fc
    .tuple(moment, moment)
    .filter(([a, b]) => a !== b)
    .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) })),
);
const event = text.filter((one) => one !== '');
const where = fc.oneof(
  fc.constant({}),
  fc.array(propertyLeaf, { minLength: 1, maxLength: 3 }).map((leaves) => ({ where: leaves })),
);
const bound = fc.constantFrom(0, 5, -1.5, 1e308, 5e-324);
const range = fc.oneof(
  bound.map((low) => ({ low, high: null })),
  bound.map((high) => ({ low: null, high })),
  fc.tuple(bound, bound).map(([a, b]) => ({ low: Math.min(a, b), high: Math.max(a, b) })),
);
const step = (after: fc.Arbitrary<object>): fc.Arbitrary<SequenceStep> =>
  fc.tuple(event, after, where).map(([name, limit, only]) => ({ event: name, ...limit, ...only }));
const eventLeaf: fc.Arbitrary<EventCondition> = fc.oneof(
  fc
    .tuple(event, count, window, where)
    .map(
      ([name, times, within, only]): EventCondition => ({ type: 'event', event: name, count: times, within, ...only }),
    ),
  fc
    .tuple(event, fc.constantFrom('sum', 'avg', 'min', 'max'), property, range, window, where)
    .map(
      ([name, aggregate, path, bounds, within, only]) =>
        ({ type: 'event_aggregate', event: name, aggregate, property: path, range: bounds, within, ...only }) as const,
    ),
  fc
    .tuple(event, fc.constantFrom('first', 'last'), window, where)
    .map(
      ([name, occurrence, within, only]) =>
        ({ type: 'event_recency', event: name, occurrence, within, ...only }) as const,
    ),
  fc
    .tuple(
      step(fc.constant({})),
      fc.array(
        step(
          fc.oneof(
            fc.constant({}),
            duration.map((after) => ({ after })),
          ),
        ),
        { minLength: 1, maxLength: 9 },
      ),
      window,
    )
    .map(([first, others, within]): EventCondition => ({ type: 'sequence', steps: [first, ...others], within })),
);
const otherLeaf: fc.Arbitrary<Condition> = fc.oneof(
  eventLeaf,
  fc.constantFrom('vip', 'new').map((segment): Condition => ({ type: 'segment', segment })),
  fc
    .record({ percent: fc.constantFrom(0, 0.5, 100), seed: text })
    .map((leaf): Condition => ({ type: 'sample', ...leaf })),
);

/** Trees of at most 5 levels over `leaf`. */
export const treeOver = (leaf: fc.Arbitrary<Condition>): fc.Arbitrary<Condition> =>
  fc.letrec<{ tree: Condition }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, depthSize: 'small', withCrossShrink: true },
      leaf,
      fc
        .tuple(fc.constantFrom('all' as const, 'any' as const), fc.array(tie('tree'), { maxLength: 4 }))
        .map(([type, of]): Condition => ({ type, of })),
      tie('tree').map((of): Condition => ({ type: 'not', of })),
    ),
  })).tree;

export const conditions: fc.Arbitrary<Condition> = treeOver(fc.oneof(propertyLeaf, otherLeaf));
