import { Facts } from '../../../src/index/facts.ts';
import { FLOAT_SCALE } from '../../../src/index/layout.ts';

test('a scale that a later number needs must hold the earlier ones too', () => {
  const facts = new Facts(1, ['ltv'], undefined);
  // whole, and as cents beyond 2^53
  facts.add(0, 8.64e15);
  expect(facts.scale(0)).toBe(0);
  facts.add(1, 0.01);
  expect(facts.scale(0)).toBe(FLOAT_SCALE);
});
