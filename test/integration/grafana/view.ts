import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { registerReadings } from '../../../src/http/metrics/at-scrape.ts';
import { MONITOR, type MonitorReadings, UNATTENDED } from '../../../src/http/metrics/monitor.ts';

const SLICE = { ratio: 1.02, band: { low: 0.9, high: 1.12 }, rollingMs: 51, baselineMs: 50 };

/** What a monitor tells after weeks, which no test waits for. */
const VIEW: MonitorReadings = {
  all: SLICE,
  kinds: [
    { kind: 'property.equals', ...SLICE },
    { kind: 'property.is_set', ...SLICE, ratio: 1.4, rollingMs: 70 },
  ],
  openAlerts: [{ rule: 'slow', severity: 'critical' }],
  recorder: { waiting: 2, lagMs: 800 },
  detector: { leading: true, lagMs: 4_000 },
};

/** A process of which only the monitor's metrics are there. */
export const serveMonitorView = async (): Promise<{ readonly target: string; stop(): Promise<void> }> => {
  const registry = new Registry();
  registerReadings(registry, async () => VIEW, MONITOR);
  registerReadings(registry, async () => VIEW.openAlerts, UNATTENDED);
  const server = createServer((_request, response) => {
    void registry.metrics().then((text) => response.setHeader('content-type', registry.contentType).end(text));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    target: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
};
