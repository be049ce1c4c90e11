/** Rows as CSV (RFC 4180). Empty text for null and undefined. */
export function csv(rows: Iterable<readonly (string | number | null | undefined)[]>): string {
  return Array.from(rows, (row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function cell(value: string | number | null | undefined): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
