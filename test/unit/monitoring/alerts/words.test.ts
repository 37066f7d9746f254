import { expect, it } from '@jest/globals';
import { alertLines } from '../../../../src/cli/alert-text.ts';
import { alertResource } from '../../../../src/monitoring/alerts/resources.ts';
import type { StoredAlert } from '../../../../src/monitoring/alerts/stored.ts';
import { describe as describeAlert, why } from '../../../../src/monitoring/alerts/words.ts';
import { anAlert } from '../../../support/alerts.ts';

const late = anAlert({
  ...{ rule: 'late', scope: {}, severity: 'critical', ratio: 3, peakRatio: 4, control: null, baselineVersion: 0 },
  ...{ rollingMs: 0, baselineMs: 0, affectedSegments: 0, unaffectedSegments: 0, affectedWorkspaces: 0 },
  ...{ calculations: 0, topSegments: [], topWorkspaces: [], projected: null, explains: [] },
  fired: [{ severity: 'critical', windowMs: 300_000, value: 3, threshold: 1, sigmas: null, calculations: 0 }],
  summary: '3 newsletters were late within an hour.',
});
const stored = (alert: typeof late): StoredAlert => ({
  ...{ alert, seq: 1, diagnosis: null, acknowledged: null, recordedAt: new Date(alert.openedAt) },
});

it('says of what is not calculation time how it stands to its threshold, and nothing of a normal that there is not', () => {
  const text = describeAlert(stored(late));
  expect(text).toContain('Now 3.00 × the threshold, at most 4.00 ×.');
  expect(why(late)).toEqual(['critical: over 5 min the value is 3, at least 1 is too much']);
  expect(alertLines(alertResource(stored(late), 'http://here'))).toContain(
    'critical, open, 3.00 × the threshold, the ',
  );
  for (const said of [text, ...why(late)]) expect(said).not.toMatch(/normal|segments|baseline|calculations/);
});

it('says of calculation time how it stands to normal', () => {
  const slow = anAlert();
  expect(describeAlert(stored(slow))).toContain('Now 1.40 × normal (140 ms, normally 100 ms), at most 1.50 ×.');
  expect(why(slow)).toContain('compared with version 3 of the baseline');
});
