/** The thread in which calculations are watched: judging ten thousand segments must not hold up the requests of this process. */
import type { Log } from '../../core/log.ts';
import { openAlertsOf, recordAlertEvents } from '../alerts/record.ts';
import { detectorFrom } from './detector.ts';
import { Lead } from './lead.ts';
import type { FromThread, ThreadTask, ToThread } from './thread.ts';

/** Watches until it is told to stop. */
export default async ({ settings, port }: ThreadTask): Promise<void> => {
  const tell = (message: FromThread): void => port.postMessage(message);
  const logged =
    (level: keyof Log) =>
    (fields: object, message: string): void => {
      // An error does not survive the way between threads with all it carries.
      const { err, ...others } = fields as { err?: unknown };
      const reason = err instanceof Error ? { reason: err.stack ?? err.message } : {};
      tell({ kind: 'log', level, fields: { ...others, ...reason }, message });
    };
  const lead = new Lead({
    ...settings,
    judgeFrom: detectorFrom(settings.config),
    tell: recordAlertEvents,
    open: openAlertsOf,
    log: { debug: logged('debug'), info: logged('info'), warn: logged('warn'), error: logged('error') },
    onLeading: (leading) => tell({ kind: 'leading', leading }),
    onView: (view) => tell({ kind: 'view', view }),
  });
  lead.start();
  await new Promise<void>((resolve) => {
    port.on('message', (message: ToThread) => {
      if (message === 'stop') resolve();
    });
  });
  await lead.stop();
  port.close();
};
