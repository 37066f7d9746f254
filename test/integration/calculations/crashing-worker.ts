/** The thread's real task, but for segments whose key says how it dies: `exit-2` twice by exit, `memory-1` once of memory;
 * and for previews that ask for 99 users. */
import calculateOrAnswer from '../../../src/calculations/worker.ts';
import type { Task } from '../../../src/calculations/tasks.ts';

const devour = (): never => {
  for (const hoard: unknown[] = []; ; ) hoard.push(Array.from({ length: 100_000 }, (_, i) => ({ i })));
};

export default (task: Task): unknown => {
  if (task.kind === 'preview' && task.sample === 99) process.exit(3);
  if (task.kind !== 'calculate') return calculateOrAnswer(task);
  const [way, times] = task.segmentKey.split('-');
  if (task.attempt <= Number(times)) {
    if (way === 'exit') process.exit(3);
    if (way === 'memory') devour();
    if (way === 'throw')
      setImmediate(() => {
        throw new Error('uncaught');
      });
    if (way === 'throw') return new Promise(() => undefined);
  }
  return calculateOrAnswer(task);
};
