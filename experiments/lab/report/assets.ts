import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Html, markup } from '../../harness/report/html.ts';

/** The chart library as a style and a script with its licence. Read from its package; throws when that is not installed. */
export function chartLibrary(): { style: Html; script: Html } {
  const read = (file: string) => readFileSync(fileURLToPath(import.meta.resolve(`uplot/${file}`)), 'utf8');
  const licence = `/*!\nuPlot\n${read('LICENSE').trim()}\n*/\n`;
  return {
    style: markup(read('dist/uPlot.min.css')),
    script: markup(licence + read('dist/uPlot.iife.min.js')),
  };
}
