import { silentLog } from '../../../../src/core/log.ts';
import { openPool } from '../../../../src/database/connect.ts';
import { Alerts } from '../../../../src/monitoring/alerts/alerts.ts';

/** A process that sends, to be killed: `node --import tsx sender-process.ts DATABASE_URL WEBHOOK_URL`. */

const [databaseUrl = '', webhookUrl = ''] = process.argv.slice(2);
const pool = openPool(databaseUrl, { max: 2, applicationName: 'evenkeel test' });
const settings = { publicUrl: 'https://segments.example', webhookUrl, webhookAllowPrivate: true };
new Alerts({ pool, log: silentLog, settings, pollMs: 20 }).start();
