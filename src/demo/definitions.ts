/** Segments of every kind of condition, as they are posted. */
export const DEMO_SEGMENTS: readonly { readonly key: string; readonly name: string; readonly condition: object }[] = [
  { key: 'everyone', name: 'Everyone', condition: { type: 'all', of: [] } },
  {
    key: 'subscribers',
    name: 'Newsletter subscribers',
    condition: { type: 'property', property: 'subscribed', operator: 'equals', value: true },
  },
  {
    key: 'paying',
    name: 'Paying customers',
    condition: { type: 'property', property: 'plan', operator: 'in', value: ['pro', 'team'] },
  },
  {
    key: 'vip',
    name: 'VIP: a high lifetime value, or so tagged',
    condition: {
      type: 'any',
      of: [
        { type: 'property', property: 'ltv', operator: 'at_least', value: 1500 },
        { type: 'property', property: 'tags', operator: 'includes', value: 'vip' },
      ],
    },
  },
  {
    key: 'acme',
    name: 'People at Acme',
    condition: { type: 'property', property: 'email', operator: 'ends_with', value: '@acme.example' },
  },
  {
    key: 'german-buyers',
    name: 'Buyers in Germany, 30 to 50',
    condition: {
      type: 'all',
      of: [
        { type: 'property', property: 'address.country', operator: 'equals', value: 'DE' },
        { type: 'property', property: 'age', operator: 'between', value: [30, 50] },
        { type: 'event', event: 'Purchase', count: { atLeast: 1 } },
      ],
    },
  },
  {
    key: 'new-this-month',
    name: 'Signed up in the last 30 days',
    condition: { type: 'property', property: 'signedUpAt', operator: 'within_last', value: { days: 30 } },
  },
  {
    key: 'birthday-known',
    name: 'Birthday known',
    condition: { type: 'property', property: 'birthday', operator: 'is_set' },
  },
  {
    key: 'engaged',
    name: 'Opened three mails in 30 days',
    condition: { type: 'event', event: 'Email Opened', count: { atLeast: 3 }, within: { last: { days: 30 } } },
  },
  {
    key: 'asleep',
    name: 'Subscribed and not seen for 60 days',
    condition: {
      type: 'all',
      of: [
        { type: 'segment', segment: 'subscribers' },
        { type: 'event', event: 'Logged In', count: { exactly: 0 }, within: { last: { days: 60 } } },
        { type: 'not', of: { type: 'event', event: 'Email Opened', within: { last: { days: 60 } } } },
      ],
    },
  },
  {
    key: 'upsell',
    name: 'Free, busy, and never tried more',
    condition: {
      type: 'all',
      of: [
        { type: 'property', property: 'plan', operator: 'equals', value: 'free' },
        { type: 'event', event: 'Logged In', count: { atLeast: 4 }, within: { last: { days: 90 } } },
        { type: 'event', event: 'Trial Started', count: { exactly: 0 } },
        { type: 'not', of: { type: 'segment', segment: 'vip' } },
      ],
    },
  },
  { key: 'a-tenth', name: 'A tenth, for a test', condition: { type: 'sample', percent: 10, seed: 'june' } },
];

/** Those that a newsletter goes to. */
export const NEWSLETTER_SEGMENTS = ['subscribers', 'engaged', 'asleep', 'new-this-month'] as const;
