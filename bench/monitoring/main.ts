/** What recording and showing take (decision 0033): node --import tsx bench/monitoring/main.ts [--days N] [--segments N] [--workspaces N] [--only cost|restart|queries] */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Database } from '../database.ts';
import { Endings } from '../endings.ts';
import { measureCost } from './cost.ts';
import { generate, type Size } from './generate.ts';
import { measureRestart } from './restart.ts';
import { askAll, explainSegment } from './queries.ts';

const { values } = parseArgs({
  options: {
    days: { type: 'string', default: '90' },
    segments: { type: 'string', default: '4000' },
    workspaces: { type: 'string', default: '100' },
    'calculations-a-day': { type: 'string', default: '1000000' },
    only: { type: 'string', default: '' },
  },
});
const size: Size = {
  days: Number(values.days),
  minuteDays: Math.min(14, Number(values.days)),
  segments: Number(values.segments),
  workspaces: Number(values.workspaces),
  calculationsADay: Number(values['calculations-a-day']),
  factDays: 1,
};

const say = (what: unknown): void =>
  void process.stdout.write(`${typeof what === 'string' ? what : JSON.stringify(what)}\n`);
const endings = new Endings();
endings.onSignals();
const directory = mkdtempSync(join(tmpdir(), 'evenkeel-bench-monitoring-'));
chmodSync(directory, 0o711);
endings.add(() => rmSync(directory, { recursive: true, force: true }));
try {
  const database = await Database.open(undefined, directory, endings);
  say({ cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, load: loadavg()[0], size });
  if (values.only === '' || values.only === 'restart') say({ restart: await measureRestart(database.url) });
  if (values.only === '' || values.only === 'cost') say({ cost: await measureCost(database.url) });
  if (values.only === '' || values.only === 'queries') {
    const began = performance.now();
    await generate(database.db, size, (what) => say(`${Math.round((performance.now() - began) / 1000)} s: ${what}`));
    const { rows } = await database.db.query(
      `select parent.relname as table, sum(pg_total_relation_size(child.oid))::bigint / 1000000 as mb, sum(child.reltuples)::bigint as rows
       from pg_inherits i join pg_class child on child.oid = i.inhrelid join pg_class parent on parent.oid = i.inhparent
       where parent.relkind = 'p' and parent.relname like 'monitor%' group by 1 order by 1`,
    );
    say({ stored: rows });
    // with an empty cache of PostgreSQL's own, as after a restart
    await database.restart();
    say({ queries: await askAll(database.db) });
    say(await explainSegment(database.db));
  }
} finally {
  await endings.run();
}
