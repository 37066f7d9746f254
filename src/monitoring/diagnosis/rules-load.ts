import { affected, type Comparison, planChanges, settingChanges } from './compare.ts';
import type { Fact, Finding } from './diagnosis.ts';
import type { Evidence } from './evidence.ts';
import type { Rule } from './rules-database.ts';
import { bytes, count, duration, percent } from './words.ts';

/** Rules about how much there is to do and what it is done with. Pure. */

const PENDING_MARKS = 2_000;
const PENDING_GROWTH = 5;
const BUSY_SHARE = 0.85;
const CONNECTIONS_SHARE = 0.9;
/** Of the blocks that a plan needs, so many more come from the disk than did. */
const READ_SHARE = 0.15;
const IO_SHARE = 0.3;
/** Connections that were seen at work, in all samples together: of fewer nothing can be said. */
const SEEN_ACTIVE = 10;
const TEMP_BLOCKS = 100;
const TEMP_BYTES_PER_SECOND = 1_000_000;
const GROWTH = 1.5;
const GROWN_ROWS = 1_000;
/** Of all calculation time, a workspace takes so much more than it did. */
const NOISY_SHARE = 0.35;
const NOISY_CALCULATIONS = 20;
const SLOW_CONTROL = 1.25;
const LOAD_A_CORE = 1.5;

const fact = (what: string, before: Fact['before'] | undefined, now: Fact['now']): Fact => ({
  what,
  before: before ?? null,
  now,
});

export const temporaryFiles: Rule = (comparison) => {
  const { before, now } = comparison;
  const spilling = planChanges(comparison).find(
    ({ before: was, now: is }) => is.tempWrittenBlocks - (was?.tempWrittenBlocks ?? 0) >= TEMP_BLOCKS,
  );
  const [was, is] = [before?.activity?.tempBytesPerSecond ?? 0, now.activity?.tempBytesPerSecond ?? 0];
  const writing = is >= TEMP_BYTES_PER_SECOND && is >= 5 * was;
  if (spilling === undefined && !writing) return undefined;
  return {
    cause: 'temporary_files',
    confidence: spilling === undefined ? 'medium' : 'high',
    sentence:
      spilling === undefined
        ? `PostgreSQL writes ${bytes(is)} of temporary files a second where it wrote ${bytes(was)}`
        : `the statement of ${spilling.workspace}/${spilling.segment} writes ${count(spilling.now.tempWrittenBlocks)} blocks of temporary files: its sorts or hashes do not fit work_mem (${now.settings?.['work_mem'] ?? '?'})`,
    evidence: [
      fact('temporary bytes a second', bytes(was), bytes(is)),
      ...(spilling === undefined
        ? []
        : [
            fact(
              'temporary blocks that the statement writes',
              spilling.before?.tempWrittenBlocks,
              spilling.now.tempWrittenBlocks,
            ),
          ]),
      fact('work_mem', before?.settings?.['work_mem'], now.settings?.['work_mem'] ?? null),
    ],
    remedy: { text: 'give work_mem more, for the service’s user or for all: alter role … set work_mem = …' },
  };
};

export const pendingChanges: Rule = ({ alert, before, now }) => {
  const marks = (evidence: Evidence | undefined): number =>
    (evidence?.pending?.properties ?? 0) + (evidence?.pending?.events ?? 0);
  const [was, is] = [marks(before), marks(now)];
  if (is < PENDING_MARKS || is < PENDING_GROWTH * was) return undefined;
  const { largest, largestCount = 0 } = now.pending ?? {};
  const inScope = alert.scope.workspace === undefined || alert.scope.workspace === largest;
  return {
    cause: 'pending_changes',
    confidence: inScope && alert.scope.workspace !== undefined ? 'high' : 'medium',
    sentence: `${count(is)} changes wait to be folded into the bitmaps${before === undefined ? '' : ` where ${was === 0 ? 'none' : count(was)} did`}, ${percent(largestCount / is)} of them of the workspace ${largest ?? '?'}: its calculations read those users' rows one by one`,
    evidence: [
      fact('changes that wait to be folded', before && was, is),
      fact(`of them of ${largest ?? '?'}`, null, largestCount),
    ],
    remedy: {
      text: 'write less at once or in larger batches, as an import does; folding follows by itself, unless an import or a rebuild holds the workspace for long',
    },
  };
};

export const poolSaturated: Rule = (comparison) => {
  const { alert, before, now } = comparison;
  const { service, activity, connections, queue } = now;
  const busy = activity?.busyShare ?? 0;
  const waiting = Math.max(activity?.waitingTasks ?? 0, service?.waiting ?? 0);
  const threads = service?.threads ?? 0;
  const full = connections !== undefined && connections.total >= CONNECTIONS_SHARE * connections.max;
  const refused = now.errors.some(({ part }) => part === 'connection');
  const saturated = threads > 0 && busy >= BUSY_SHARE && busy > (before?.activity?.busyShare ?? 0) && waiting >= 1;
  const poolWaits = (service?.pool.waiting ?? 0) > 0 && service?.pool.idle === 0;
  const queued = alert.rule !== 'slow' && (queue?.queued ?? 0) > threads;
  if (!saturated && !full && !refused && !poolWaits && !queued) return undefined;
  const sentence = refused
    ? `the database accepts no further connection: ${now.errors.find(({ part }) => part === 'connection')?.message}`
    : full
      ? `${count(connections.total)} of ${count(connections.max)} connections of the database are taken`
      : saturated
        ? `the ${count(threads)} worker threads are busy ${percent(busy)} of the time, and ${count(waiting)} tasks wait for one`
        : poolWaits
          ? `all ${count(service.pool.max)} connections of the doors are in use, and ${count(service.pool.waiting)} requests wait for one`
          : `${count(queue?.queued ?? 0)} calculations wait for ${count(threads)} worker threads`;
  return {
    cause: 'pool_saturated',
    confidence: plansAreAsFast(comparison) || alert.rule !== 'slow' ? 'high' : 'medium',
    sentence,
    evidence: [
      fact('worker threads that are busy', before?.activity && percent(before.activity.busyShare), percent(busy)),
      fact('tasks that wait for a thread', before?.activity && count(before.activity.waitingTasks), count(waiting)),
      fact('connections', before?.connections?.total, connections?.total ?? null),
      fact('calculations that are queued', before?.queue?.queued, queue?.queued ?? null),
      fact(
        'the longest wait in the queue',
        before?.queue && duration(before.queue.oldestWaitMs),
        queue === undefined ? null : duration(queue.oldestWaitMs),
      ),
    ],
    remedy: {
      text:
        full || refused
          ? 'find who holds the connections (pg_stat_activity), or raise max_connections'
          : 'find who asks for so much (GET /v1/calculations, and previews in the log), spread it over time, or raise EVENKEEL_WORKERS if the database has processors to spare',
    },
  };
};

/** The statements by themselves take what they took: then it is the waiting that takes long. */
const plansAreAsFast = (comparison: Comparison): boolean => {
  const known = planChanges(comparison).flatMap(({ before, now }) =>
    before === undefined || before.executionMs === null || now.executionMs === null
      ? []
      : [{ was: before.executionMs, is: now.executionMs }],
  );
  if (known.length === 0) return false;
  const sum = (side: 'was' | 'is'): number => known.reduce((total, each) => total + each[side], 0);
  return sum('is') < 2 * sum('was') + 1;
};

export const cacheOrIo: Rule = (comparison) => {
  const { before, now } = comparison;
  const blocks = (evidence: Evidence | undefined): { read: number; all: number } => {
    const plans = evidence === undefined ? [] : affected(evidence).flatMap((each) => each.plans);
    const read = plans.reduce((sum, { readBlocks }) => sum + readBlocks, 0);
    return { read, all: read + plans.reduce((sum, { hitBlocks }) => sum + hitBlocks, 0) };
  };
  const share = ({ read, all }: { read: number; all: number }): number => (all === 0 ? 0 : read / all);
  const [was, is] = [blocks(before), blocks(now)];
  const reads = share(is) - share(was) >= READ_SHARE;
  const [waited, waits] = [before?.activity?.waits['IO'] ?? 0, now.activity?.waits['IO'] ?? 0];
  const seen = (now.activity?.active ?? 0) * (now.activity?.samples ?? 0);
  const waiting = seen >= SEEN_ACTIVE && waits >= IO_SHARE && waits >= 2 * waited;
  const [hit, hits] = [before?.activity?.hitShare ?? null, now.activity?.hitShare ?? null];
  const missing = hits !== null && hits < 1 - READ_SHARE && (hit === null || hit - hits >= READ_SHARE);
  if (!reads && !waiting && !missing) return undefined;
  const settings = settingChanges(comparison).filter(({ name }) => /shared_buffers|io_|cache/.test(name));
  const what =
    reads || missing
      ? `${percent(reads ? share(is) : 1 - (hits ?? 1))} of the blocks that ${reads ? 'the slow statements' : 'statements'} need come from the disk${before === undefined ? '' : ` where ${percent(reads ? share(was) : 1 - (hit ?? 1))} did`}`
      : `${percent(waits)} of what is active waits for the disk${before?.activity === undefined ? '' : ` where ${percent(waited)} did`}`;
  return {
    cause: 'cache_or_io',
    confidence: reads && (waiting || missing) ? 'high' : 'medium',
    sentence: `${what}: the cache has lost them or is too small, or the disk is slow`,
    evidence: [
      fact('blocks that the slow statements read from the disk', before && was.read, is.read),
      fact('blocks that they found in the cache', before && was.all - was.read, is.all - is.read),
      fact('active connections that wait for the disk', before?.activity && percent(waited), percent(waits)),
      fact(
        'found in the cache, of all blocks',
        hit === null ? null : percent(hit),
        hits === null ? null : percent(hits),
      ),
      fact('shared_buffers', before?.settings?.['shared_buffers'], now.settings?.['shared_buffers'] ?? null),
      ...(now.machine?.pressure
        ? [
            fact(
              'time in which something waited for the disk',
              before?.machine?.pressure && percent(before.machine.pressure.io),
              percent(now.machine.pressure.io),
            ),
          ]
        : []),
    ],
    remedy: {
      text:
        settings.length > 0
          ? `set ${settings.map(({ name, before: value }) => `${name} = ${value}`).join(', ')} again`
          : 'see what else reads so much (pg_stat_statements, a report, a backup), whether the machine has lost memory, and what the disk does (iostat); give shared_buffers more if the data have outgrown it',
    },
  };
};

export const growth: Rule = ({ alert, before, now }) => {
  if (before === undefined) return undefined;
  const names =
    alert.scope.workspace === undefined
      ? alert.topWorkspaces.map(({ workspace }) => workspace)
      : [alert.scope.workspace];
  const grown = names
    .flatMap((name) => {
      const [was, is] = [before.workspaces?.[name]?.users ?? 0, now.workspaces?.[name]?.users ?? 0];
      return was > 0 && is >= GROWTH * was ? [{ what: `users of ${name}`, was, is }] : [];
    })
    .concat(
      ['users', 'events', 'slices', 'event_slices'].flatMap((name) => {
        const [was, is] = [before.tables?.[name]?.liveRows ?? 0, now.tables?.[name]?.liveRows ?? 0];
        return was >= GROWN_ROWS && is >= GROWTH * was ? [{ what: `rows of ${name}`, was, is }] : [];
      }),
    );
  const [most] = grown.sort((one, other) => other.is / other.was - one.is / one.was);
  if (most === undefined) return undefined;
  return {
    cause: 'growth',
    confidence: 'low',
    sentence: `there is more to calculate: ${most.what} has grown from ${count(most.was)} to ${count(most.is)}`,
    evidence: grown.map(({ what, was, is }) => fact(what, count(was), count(is))),
    remedy: { text: 'if that is the new normal, accept it: POST /v1/monitor/baselines/accept, with a reason' },
  };
};

export const noisyWorkspace: Rule = ({ before, now }) => {
  const shares = (evidence: Evidence | undefined): Map<string, { share: number; calculations: number }> => {
    const all = Object.entries(evidence?.workspaces ?? {});
    const total = all.reduce((sum, [, { calculationMs }]) => sum + calculationMs, 0);
    return new Map(
      all.map(([name, { calculationMs, calculations }]) => [
        name,
        { share: total === 0 ? 0 : calculationMs / total, calculations },
      ]),
    );
  };
  const was = shares(before);
  if (before === undefined || was.size < 2) return undefined;
  const [loudest] = [...shares(now)]
    .map(([name, { share, calculations }]) => ({ name, share, calculations, before: was.get(name)?.share ?? 0 }))
    .sort((one, other) => other.share - other.before - (one.share - one.before));
  if (
    loudest === undefined ||
    loudest.share - loudest.before < NOISY_SHARE ||
    loudest.calculations < NOISY_CALCULATIONS
  )
    return undefined;
  return {
    cause: 'noisy_workspace',
    confidence: 'medium',
    sentence: `the workspace ${loudest.name} takes ${percent(loudest.share)} of all calculation time where it took ${percent(loudest.before)}`,
    evidence: [
      fact(`share of calculation time of ${loudest.name}`, percent(loudest.before), percent(loudest.share)),
      fact(
        `latest calculations of ${loudest.name}`,
        before.workspaces?.[loudest.name]?.calculations,
        loudest.calculations,
      ),
    ],
    remedy: {
      text: `ask what has changed in ${loudest.name}: refresh intervals, a loop that calculates, larger conditions`,
    },
  };
};

export const wholeDatabase: Rule = ({ alert, before, now }): Finding | undefined => {
  const { kind, workspace } = alert.scope;
  const everything = kind === undefined && workspace === undefined;
  const load = now.machine === undefined ? null : now.machine.load1 / now.machine.cores;
  if (!everything && (alert.control ?? 1) < SLOW_CONTROL) return undefined;
  const loaded = load !== null && load >= LOAD_A_CORE;
  // Of newsletters that are late, or writes, it is not known that calculations are slow.
  if (alert.rule !== 'slow' && !loaded) return undefined;
  const load1 = `the machine has a load of ${count(now.machine?.load1 ?? 0)} on ${count(now.machine?.cores ?? 0)} processors`;
  const slow = `calculations of every kind are slow${loaded ? `: ${load1}` : ', so it is the database or its machine as a whole'}`;
  const machine = now.machine && before?.machine;
  return {
    cause: 'whole_database',
    confidence: loaded ? 'medium' : 'low',
    sentence: alert.rule === 'slow' ? slow : load1,
    evidence: [
      fact(
        'load of the machine',
        machine && count(machine.load1),
        now.machine === undefined ? null : count(now.machine.load1),
      ),
      fact(
        'active connections',
        before?.activity && count(before.activity.active),
        now.activity === undefined ? null : count(now.activity.active),
      ),
      ...Object.entries(now.activity?.waits ?? {}).map(([what, share]) =>
        fact(
          `of them in ${what === 'CPU' ? 'no wait' : `a wait for ${what}`}`,
          before?.activity && percent(before.activity.waits[what] ?? 0),
          percent(share),
        ),
      ),
    ],
    remedy: {
      text: 'see what else runs on the database and its machine: top, pg_stat_activity, a backup, a neighbour',
    },
  };
};
