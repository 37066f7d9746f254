import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CalculationResource } from '../../calculations/resources.ts';
import type { Figures } from './figures.ts';
import { Html, html } from './html.ts';

const CSS = readFileSync(join(import.meta.dirname, '..', '..', '..', 'web', 'page.css'), 'utf8');
const CSS_HASH = createHash('sha256').update(CSS).digest('base64');

/** Nothing is loaded from anywhere, nothing runs, and the one style is the one we wrote. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${CSS_HASH}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Cpath d='M3 17h26c-2 7-7 11-13 11S5 24 3 17z' fill='%230f766e'/%3E%3Cpath d='M15 3v12H6zM17 6v9h7z' fill='%2314b8a6'/%3E%3C/svg%3E";

export interface PageContext {
  readonly version: string;
  readonly embedded: boolean;
  readonly openMode: boolean;
  readonly startedAt: Date;
  /** As the visitor reached it: `http://localhost:3000`. */
  readonly url: string;
  readonly operator: boolean;
}

const count = (value: number): string => value.toLocaleString('en-US');
const milliseconds = (ms: number): string =>
  ms >= 10_000 ? `${(ms / 1000).toFixed(1)} s` : ms >= 100 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;

const elapsed = (ms: number): string => {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
};

const PHASES = ['freshen', 'compile', 'query', 'store'] as const;

/** The phases as one bar, by their share of the slowest calculation shown. SVG attributes, as the policy allows no style. */
const bar = ({ timingsMs }: CalculationResource, slowestMs: number): Html => {
  let x = 0;
  const parts = PHASES.map((phase) => {
    const width = slowestMs === 0 ? 0 : ((timingsMs[phase] ?? 0) / slowestMs) * 100;
    const part = html`<rect class="${phase}" x="${x.toFixed(2)}" y="0" width="${width.toFixed(2)}" height="8"><title>${phase} ${milliseconds(timingsMs[phase] ?? 0)}</title></rect>`;
    x += width;
    return part;
  });
  return html`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="phases">${parts}</svg>`;
};

const runMs = ({ timingsMs }: CalculationResource): number =>
  PHASES.reduce((sum, phase) => sum + (timingsMs[phase] ?? 0), 0);

const row = (calculation: CalculationResource, slowestMs: number, now: number): Html => {
  const { segment, trigger, state, members, population } = calculation;
  return html`<tr>
  <td class="name">${segment}</td>
  <td><span class="trigger">${trigger}</span></td>
  <td class="number">${members === null ? '' : html`${count(members)}<span class="of"> of ${count(population ?? 0)}</span>`}</td>
  <td class="phases">${state === 'succeeded' ? bar(calculation, slowestMs) : ''}</td>
  <td class="number time">${state === 'succeeded' ? milliseconds(runMs(calculation)) : html`<span class="state ${state}">${state}</span>`}</td>
  <td class="number ago">${elapsed(now - Date.parse(calculation.requestedAt))} ago</td>
</tr>`;
};

const latest = (figures: Figures): Html => {
  const now = figures.at.getTime();
  const slowest = Math.max(0, ...figures.latest.map(runMs));
  if (figures.latest.length === 0)
    return html`<p class="empty">No calculation yet. Define a segment and ask for one: the lines on this page show how.</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Latest calculations"><table>
<thead><tr><th>Segment</th><th>Trigger</th><th class="number">Members</th><th class="phases">Phases</th><th class="number">Time</th><th class="number ago">Asked for</th></tr></thead>
<tbody>${figures.latest.map((calculation) => row(calculation, slowest, now))}</tbody>
</table></div>
<p class="legend">${PHASES.map((phase) => html`<span class="${phase}">${phase}</span> `)}</p>`;
};

const tile = (label: string, value: string, note: string): Html =>
  html`<div class="tile"><dt>${label}</dt><dd>${value}<small>${note}</small></dd></div>`;

const tiles = ({ users, segments, properties, events, calculations }: Figures): Html => {
  const { lastDay, more, medianMs, queued, running } = calculations;
  const plural = (amount: number, one: string, many: string) => `${count(amount)} ${amount === 1 ? one : many}`;
  return html`<dl class="tiles">
${tile('Users', count(users), `${plural(properties, 'property', 'properties')}, ${plural(events, 'event name', 'event names')}`)}
${tile('Segments', count(segments), 'defined')}
${tile('Calculations', `${count(lastDay)}${more ? '+' : ''}`, `in 24 hours; ${count(running)} running, ${count(queued)} queued`)}
${tile('Median time', medianMs === null ? '–' : milliseconds(medianMs), 'of a calculation in 24 hours')}
</dl>`;
};

const example = ({ url, openMode }: PageContext): string => {
  const key = openMode ? '' : ' -H "Authorization: Bearer $EVENKEEL_KEY"';
  return [
    `curl${key} ${url}/v1/identify -d '{"userId":"ada","traits":{"plan":"pro"}}'`,
    `curl${key} ${url}/v1/segments -d '{"key":"pro","name":"Pro","condition":{"type":"property","property":"plan","operator":"equals","value":"pro"}}'`,
    `curl${key} ${url}/v1/segments/pro/calculations -d '{"trigger":"manual","wait":5000}'`,
    `curl${key} ${url}/v1/segments/pro/members`,
  ].join('\n');
};

/** The page at `/`. */
export const renderPage = (figures: Figures, context: PageContext): string => {
  const { version, embedded, openMode, startedAt, operator } = context;
  const links = [
    ['/openapi.json', 'The API as OpenAPI 3.1'],
    ['/v1/segments', 'Segments'],
    ['/v1/calculations', 'Calculations'],
    ['/v1/properties', 'Properties in use'],
    ['/v1/events', 'Events in use'],
    ...(operator ? [['/metrics', 'Metrics for Prometheus']] : []),
    ['/readyz', 'Readiness'],
  ] as const;
  const { text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Evenkeel · ${figures.workspace}</title>
<link rel="icon" href="${ICON}">
<style>${new Html(CSS)}</style>
</head>
<body>
<header>
<h1><svg viewBox="0 0 32 32" aria-hidden="true"><path class="hull" d="M3 17h26c-2 7-7 11-13 11S5 24 3 17z"/><path class="sail" d="M15 3v12H6zM17 6v9h7z"/></svg>Evenkeel</h1>
<p>Segment calculation on PostgreSQL. Workspace <strong>${figures.workspace}</strong>.</p>
</header>
<main>
${tiles(figures)}
<section>
<h2>Latest calculations</h2>
${latest(figures)}
</section>
<div class="two">
<section>
<h2>Try it</h2>
<pre tabindex="0"><code>${example(context)}</code></pre>
${openMode ? html`<p class="note">No key is configured, so this service listens on this machine only. Set <code>EVENKEEL_OPERATOR_KEY</code> to open it.</p>` : ''}
</section>
<section>
<h2>Where to go on</h2>
<ul>${links.map(([href, label]) => html`<li><a href="${href ?? ''}">${label ?? ''}</a> <code>${href ?? ''}</code></li>`)}</ul>
<p class="note">To read: <code>docs/api.md</code>, <code>docs/conditions.md</code>, <code>docs/importing.md</code>, <code>docs/operating.md</code>.</p>
</section>
</div>
</main>
<footer>Evenkeel ${version} · up ${elapsed(figures.at.getTime() - startedAt.getTime())} · PostgreSQL ${figures.postgres}${embedded ? ', embedded' : ''} · ${figures.at.toISOString().replace(/\.\d+Z$/, 'Z')}</footer>
</body>
</html>
`;
  return text;
};
