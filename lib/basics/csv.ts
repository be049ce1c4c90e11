type Cell = string | number | null | undefined;

/** Rows as CSV (RFC 4180). */
export function csv(rows: Iterable<readonly Cell[]>): string {
  return Array.from(rows, csvLine).join('');
}

/** One row: cells are quoted where they need it. Empty text for null and undefined. */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(quoted).join(',')}\r\n`;
}

function quoted(cell: Cell): string {
  const text = String(cell ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
