import { notSupported } from '../../core/errors.ts';
import type { Command } from '../command.ts';

export const backtestCommand: Command = {
  name: 'backtest',
  usage: 'FILE',
  summary: 'replay a history of calculations through the detector (not supported yet)',
  run: async () => {
    throw notSupported('backtest');
  },
};
