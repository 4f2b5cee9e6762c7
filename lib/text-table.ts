/**
 * Rows as the lines of a table: columns are as wide as their widest cell and two spaces apart. Columns of text are
 * aligned to the left, all others to the right.
 */
export function tableLines(
  rows: readonly (readonly string[])[],
  isText: (column: number) => boolean,
): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) => {
    const cells = widths.map((width, column) => {
      const cell = row[column] ?? '';
      return isText(column) ? cell.padEnd(width) : cell.padStart(width);
    });
    return cells.join('  ').trimEnd();
  });
}
