/** '1 image', '2 images'. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`;
}

/** 'a, b, c and 4 more' */
export function listed(names: readonly string[], most = 3): string {
  const more = names.length - most;
  return names.slice(0, most).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** '4 s', '3:07 min', '2:05 h'. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [value, unit] = whole < 3600 ? [whole, 'min'] : [Math.floor(whole / 60), 'h'];
  return `${Math.floor(value / 60)}:${String(value % 60).padStart(2, '0')} ${unit}`;
}

/** '812 MB', '1.24 GB'. */
export function formatMemory(bytes: number): string {
  return bytes < 999.5e6 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/**
 * The word that is most similar to `given`, or undefined if none is similar enough to be meant. It begins with the same
 * letter, unless that letter is missing, added or swapped: people rarely get the first one wrong, and words such as
 * gpu and cpu differ in nothing else.
 */
export function closest(given: string, words: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(given.length / 3)) + 1;
  for (const word of words.filter((candidate) => beginsAlike(given, candidate))) {
    const distance = editDistance(given.toLowerCase(), word.toLowerCase());
    if (distance < least) {
      least = distance;
      best = word;
    }
  }
  return best;
}

function beginsAlike(given: string, word: string): boolean {
  const [a, b] = [given.toLowerCase(), word.toLowerCase()];
  const swapped = a[0] === b[1] && a[1] === b[0];
  return a[0] === b[0] || swapped || a.slice(1).startsWith(b.slice(0, 2)) || b.slice(1).startsWith(a.slice(0, 2));
}

/** A file may nest lists as deep as it likes. */
const MOST_DEPTH = 3;

/** Formats a value for messages: short and on one line. Lists within lists within lists are only counted. */
export function show(value: unknown): string {
  return showAt(value, 0);
}

function showAt(value: unknown, depth: number): string {
  if (typeof value === 'string') return value.length > 60 ? `'${value.slice(0, 57)}…'` : `'${value}'`;
  if (typeof value === 'function') return 'a function';
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))) {
    const items = Array.from(value as unknown[]);
    if (depth === MOST_DEPTH) return `a list of ${items.length}`;
    const shown = items.slice(0, 6).map((item) => showAt(item, depth + 1));
    return `[${shown.join(', ')}${items.length > 6 ? `, … ${items.length} items` : ''}]`;
  }
  const name = value.constructor?.name;
  return name === undefined || name === 'Object' ? 'an object' : `an object of type ${name}`;
}

/** Edit distance (Levenshtein), in which a swap of two adjacent characters counts as one edit. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({length: b.length + 1}, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, substituted);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1);
      }
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
