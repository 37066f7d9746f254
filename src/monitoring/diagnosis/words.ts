/** How values are said. Pure. */

export const count = (value: number): string =>
  Math.abs(value) >= 10 || Number.isInteger(value)
    ? Math.round(value).toLocaleString('en-US')
    : value.toFixed(1).replace(/\.0$/, '');

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];
export const bytes = (value: number): string => {
  const unit = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(value, 1)) / 10)));
  return `${count(value / 1024 ** unit)} ${UNITS[unit]}`;
};

export const duration = (ms: number): string => {
  if (ms < 1_000) return `${count(ms)} ms`;
  if (ms < 120_000) return `${count(ms / 1_000)} s`;
  return ms < 7_200_000 ? `${count(ms / 60_000)} minutes` : `${count(ms / 3_600_000)} hours`;
};

/** In UTC; with its day where that is not the day of `now`. */
export const moment = (at: number, now: number): string => {
  const text = new Date(at).toISOString();
  const day = text.slice(0, 10);
  const time = `${text.slice(11, 16)} UTC`;
  return day === new Date(now).toISOString().slice(0, 10) ? time : `${day} ${time}`;
};

interface Session {
  readonly pid: number | null;
  readonly application: string | null;
  readonly user: string | null;
}

/** `pid 4711, application reporting` */
export const session = ({ pid, application, user }: Session): string =>
  [
    ...(pid === null ? [] : [`pid ${pid}`]),
    ...(application ? [`application ${application}`] : user ? [`user ${user}`] : []),
  ].join(', ');

export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Ends one session, and only the one that was meant: pids come again. */
export const terminate = ({ pid, application }: Pick<Session, 'pid' | 'application'>): string =>
  `select pg_terminate_backend(pid) from pg_stat_activity where pid = ${pid} and application_name = ${quoted(application ?? '')};`;
