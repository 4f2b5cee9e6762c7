import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';

/** An editor's save is several events; they are one change. */
const DEBOUNCE_MS = 150;
const WATCHED = /\.(mjs|cjs|js|ts|json)$/;

/**
 * Calls `onChange` after source files beside the named files, or directly in the named folders, have changed.
 * One call at a time: what changes meanwhile leads to one more. Returns how to end it.
 */
export function watchSources(paths: readonly string[], onChange: () => Promise<void>): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isRunning = false;
  let isChanged = false;
  const runAll = async () => {
    if (isRunning) return;
    isRunning = true;
    while (isChanged) {
      isChanged = false;
      await onChange();
    }
    isRunning = false;
  };
  const watchers = [...new Set(paths.map(folderOf))].map((folder): FSWatcher => {
    const watcher = watch(folder, (_event, file) => {
      if (file !== null && !WATCHED.test(file)) return;
      clearTimeout(timer);
      timer = setTimeout(() => {
        isChanged = true;
        void runAll();
      }, DEBOUNCE_MS);
    });
    // The folder was removed: nothing to see there any more.
    return watcher.on('error', () => watcher.close());
  });
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}

function folderOf(path: string): string {
  return statSync(path).isDirectory() ? path : dirname(path);
}
