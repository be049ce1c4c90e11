/** What was measured of one side. */
export type Measured = {seconds: number; least: number; peakMiB: number};
/** A case, with its sides by name, and the largest difference between the results of torchvision and ours. */
export type Row = {case: string; sides: Record<string, Measured>; difference?: number};

/** A side to show, and the sides that it is compared with. */
export type Column = {name: string; peers: readonly string[]};

/**
 * The rows in Markdown. Behind each time is how many times as fast as each peer that is, and behind each peak the share
 * of the peer's.
 */
export function markdown(rows: readonly Row[], columns: readonly Column[]): string {
  const time = ({sides}: Row, {name, peers}: Column) => {
    const own = sides[name];
    if (own === undefined) return '';
    const ratios = others(sides, peers).map((peer) => `${(peer.seconds / own.seconds).toFixed(2)} ×`);
    return `${own.seconds.toFixed(2)} s${inBrackets(ratios)}`;
  };
  const memory = ({sides}: Row, {name, peers}: Column) => {
    const own = sides[name];
    if (own === undefined) return '';
    return `${own.peakMiB.toFixed(0)} MiB${inBrackets(others(sides, peers).map((peer) => (own.peakMiB / peer.peakMiB).toFixed(2)))}`;
  };
  const withDifference = rows.some(({difference}) => difference !== undefined);
  const names = columns.map(({name}) => name);
  const header = ['', ...names, ...names.map((name) => `${name}, peak`), ...(withDifference ? ['difference'] : [])];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(header),
    line(header.map(() => '---')),
    ...rows.map((row) =>
      line([
        row.case,
        ...columns.map((column) => time(row, column)),
        ...columns.map((column) => memory(row, column)),
        ...(withDifference ? [row.difference?.toExponential(1) ?? ''] : []),
      ]),
    ),
  ].join('\n');
}

function others(sides: Row['sides'], names: readonly string[]): Measured[] {
  return names.flatMap((name) => sides[name] ?? []);
}

function inBrackets(parts: readonly string[]): string {
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}
