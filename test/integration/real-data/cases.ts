import type { ConditionJson } from '../../support/oracle.ts';

/** A question about a file: as a condition, as plain SQL over the file's cells as text, and its known answer. */
export interface RealCase {
  readonly name: string;
  readonly condition: ConditionJson;
  /** Gives the user ids, over a table of the file's name. */
  readonly plainSql: string;
  readonly count: number;
}

const property = (name: string, operator: string, value?: unknown): ConditionJson => ({
  type: 'property',
  property: name,
  operator,
  ...(value === undefined ? {} : { value }),
});
const all = (...of: ConditionJson[]): ConditionJson => ({ type: 'all', of });
const not = (of: ConditionJson): ConditionJson => ({ type: 'not', of });

export const TELCO_USERS = 7_043;
export const TELCO: readonly RealCase[] = [
  {
    name: 'TotalCharges is set',
    condition: property('TotalCharges', 'is_set'),
    plainSql: `select "customerID" from telco where trim("TotalCharges") <> ''`,
    count: 7_032,
  },
  {
    name: 'TotalCharges is not set',
    condition: property('TotalCharges', 'is_not_set'),
    plainSql: `select "customerID" from telco where trim("TotalCharges") = ''`,
    count: 11,
  },
  {
    name: 'two years and more than 80 a month',
    condition: all(property('Contract', 'equals', 'Two year'), property('MonthlyCharges', 'greater_than', 80)),
    plainSql: `select "customerID" from telco where "Contract" = 'Two year' and "MonthlyCharges"::numeric > 80`,
    count: 636,
  },
  {
    name: 'tenure between 12 and 24 and not churned',
    condition: all(property('tenure', 'between', [12, 24]), not(property('Churn', 'equals', 'Yes'))),
    plainSql: `select "customerID" from telco where "tenure"::int between 12 and 24 and "Churn" is distinct from 'Yes'`,
    count: 809,
  },
  {
    name: 'pays automatically, is a senior and has no phone',
    condition: all(
      property('PaymentMethod', 'contains', '(automatic)'),
      property('SeniorCitizen', 'equals', 1),
      property('MultipleLines', 'equals', 'No phone service'),
    ),
    plainSql: `select "customerID" from telco where "PaymentMethod" like '%(automatic)%' and "SeniorCitizen" = '1'
      and "MultipleLines" = 'No phone service'`,
    count: 36,
  },
  {
    name: 'charged a figure to the cent',
    condition: property('TotalCharges', 'in', [29.85, 1889.5, 108.15, 20.2]),
    plainSql: `select "customerID" from telco where nullif(trim("TotalCharges"), '')::numeric in (29.85, 1889.5, 108.15, 20.2)`,
    count: 14,
  },
];

const purchases = (more: object): ConditionJson => ({ type: 'event', event: 'purchase', ...more });
/** Every user of the file bought at least once, so the file's users are all users. */
const buyers = (filter: string, having: string): string =>
  `select user_id from cdnow group by user_id having count(*) filter (where ${filter}) ${having}`;

export const CDNOW_USERS = 23_570;
export const CDNOW_EVENTS = 69_659;
export const CDNOW: readonly RealCase[] = [
  {
    name: 'at least 3 purchases ever',
    condition: purchases({ count: { atLeast: 3 } }),
    plainSql: buyers('true', '>= 3'),
    count: 7_583,
  },
  {
    name: 'at least 2 between 1997-04-01 and 1997-07-01',
    condition: purchases({ count: { atLeast: 2 }, within: { from: '1997-04-01', to: '1997-07-01' } }),
    plainSql: buyers(`purchased_at >= '1997-04-01T00:00:00Z' and purchased_at < '1997-07-01T00:00:00Z'`, '>= 2'),
    count: 2_049,
  },
  {
    name: 'none since 1998-01-01',
    condition: purchases({ count: { exactly: 0 }, within: { from: '1998-01-01' } }),
    plainSql: buyers(`purchased_at >= '1998-01-01T00:00:00Z'`, '= 0'),
    count: 18_196,
  },
  {
    name: 'one or two in an odd week that begins a millisecond late',
    condition: purchases({
      count: { between: [1, 2] },
      within: { from: '1997-02-03T00:00:00.001Z', to: '1997-02-10T00:00:00.001Z' },
    }),
    plainSql: buyers(
      `purchased_at > '1997-02-03T00:00:00Z' and purchased_at <= '1997-02-10T00:00:00Z'`,
      'between 1 and 2',
    ),
    count: 2_727,
  },
];
