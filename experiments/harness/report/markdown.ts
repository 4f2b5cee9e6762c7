import type { Origin } from '../bench-program.ts';

/** A table of a Markdown page. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** The command, and in a sentence where and of what the figures were taken. */
export function originText({ command, date, commit, machine, versions }: Origin): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const where = `${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}`;
  return `\`\`\`sh\n${command}\n\`\`\`\n\n${date}, commit ${commit}; ${where}; ${programs.join(', ')}.`;
}

/** A figure with so many digits; a dash when there is none. */
export function fixed(value: number | undefined, digits: number): string {
  return value === undefined ? '–' : value.toFixed(digits);
}
