/** Progress of a long operation. */
export type ProgressState = {
  label: string;
  done: number;
  /** Undefined if it is not known. */
  total?: number | undefined;
  /** For 'steps', `label` is the name of the current step. */
  unit: 'bytes' | 'count' | 'steps';
  /**
   * Further information, shown after the numbers, most important first. A terminal shows as many as fit on the line.
   */
  notes?: readonly string[] | undefined;
};

export type Progress = {
  update(state: ProgressState): void;
  /** Prints a line that is not overwritten. */
  say(text: string): void;
  /** Ends the current line. */
  close(): void;
};

export type ProgressOptions = {
  stream?: {write(text: string): unknown; isTTY?: boolean; columns?: number};
  /** Returns milliseconds of a monotonic clock. */
  now?: () => number;
};

/** Shows nothing. */
export const silentProgress: Progress = {update() {}, say() {}, close() {}};

const redrawMs = 100;
/** Width of the bar in columns. It takes the space that the text leaves, within these limits. */
const BAR = {least: 8, most: 24};
/** Blocks of 0 to 7 eighths of a column. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
/**
 * Without a terminal, a line is printed for every tenth of the work. If the total is unknown, one is printed at this
 * interval.
 */
const plainMs = 10_000;

/** Shows progress. On a terminal this is one line with a bar that is redrawn; elsewhere it is a few plain lines. */
export function createProgress({
  stream = process.stderr,
  now = () => performance.now(),
}: ProgressOptions = {}): Progress {
  let label: string | undefined;
  let lastTenth = -1;
  let lastDone = 0;
  let lastMs = -Infinity;
  let drawn = 0;

  const clear = () => {
    if (drawn > 0) stream.write(`\r${' '.repeat(drawn)}\r`);
    drawn = 0;
  };
  const draw = (state: ProgressState) => {
    // A line that reaches the last column would wrap, and could not be redrawn.
    const text = renderBar(state, (stream.columns || 80) - 1);
    stream.write(`\r${text.padEnd(drawn)}`);
    drawn = text.length;
  };

  return {
    update(state) {
      const {done, total} = state;
      const tenth = total === undefined || total === 0 ? -1 : Math.floor((done / total) * 10);
      const isNew = state.label !== label || done < lastDone; // the next work of the same name
      lastDone = done;
      const isDue = stream.isTTY
        ? now() - lastMs >= redrawMs || done === total
        : tenth > lastTenth || (total === undefined && now() - lastMs >= plainMs);
      if (!isNew && !isDue) return;
      label = state.label;
      lastTenth = tenth;
      lastMs = now();
      if (!stream.isTTY) stream.write(`${renderProgress(state)}\n`);
      else draw(state);
    },
    say(text) {
      clear();
      stream.write(`${text}\n`);
    },
    close() {
      if (drawn > 0) stream.write('\n');
      drawn = 0;
      label = undefined;
      lastTenth = -1;
      lastDone = 0;
    },
  };
}

/** The progress as text: 'libtorch: 95.9 of 191.8 MB, 50 %', or '[12/34] Building x.cpp' for steps. */
export function renderProgress(state: ProgressState): string {
  const {label, total, unit, notes = []} = state;
  if (unit === 'steps') return position(state);
  const text = `${label}: ${position(state)}`;
  return [total ? `${text}, ${percent(state)}` : text, ...notes].join(', ');
}

/**
 * The progress as a line of at most `columns` characters: 'epoch 2 ████▌░░░ 50/100, loss 0.4'. There is no bar if the
 * total is unknown or the line is too short.
 */
export function renderBar(state: ProgressState, columns: number): string {
  const {label, done, total, unit, notes = []} = state;
  if (unit === 'steps' || !total) return renderProgress(state).slice(0, columns);
  let text = unit === 'count' ? `${done}/${total}` : position(state);
  const room = () => columns - label.length - text.length - 2;
  if (room() < BAR.least) return renderProgress({...state, notes: []}).slice(0, columns);
  for (const note of notes) {
    if (room() - BAR.least >= note.length + 2) text += `, ${note}`;
  }
  const width = Math.min(BAR.most, room());
  return `${label} ${bar(done / total, width)} ${text}`;
}

function bar(share: number, width: number): string {
  const eighths = Math.floor(Math.min(1, Math.max(0, share)) * width * 8);
  return `${'█'.repeat(Math.floor(eighths / 8))}${EIGHTHS[eighths % 8]}`.padEnd(width, '░');
}

function position({label, done, total, unit}: ProgressState): string {
  if (unit === 'steps') return `[${done}/${total ?? '?'}] ${label}`;
  const amount = unit === 'bytes' ? (bytes: number) => (bytes / 1e6).toFixed(1) : String;
  const suffix = unit === 'bytes' ? ' MB' : '';
  return total ? `${amount(done)} of ${amount(total)}${suffix}` : `${amount(done)}${suffix}`;
}

function percent({done, total}: ProgressState): string {
  return `${Math.floor((100 * done) / total!)} %`;
}
