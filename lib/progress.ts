/** How far a long piece of work has come. */
export type ProgressState = {
  label: string;
  done: number;
  /** Undefined where the end is not known. */
  total?: number | undefined;
  /** 'steps' are named one by one by `label`. */
  unit: 'bytes' | 'count' | 'steps';
  /** What is going on right now, behind the numbers. */
  note?: string | undefined;
};

export type Progress = {
  update(state: ProgressState): void;
  /** A line that stays. */
  say(text: string): void;
  /** Ends the line under way. */
  close(): void;
};

export type ProgressOptions = {
  stream?: {write(text: string): unknown; isTTY?: boolean; columns?: number};
  /** Milliseconds that only grow. */
  now?: () => number;
};

const redrawMs = 100;
/** Where lines cannot be redrawn there is one for every tenth, or as often as this where the end is unknown. */
const plainMs = 10_000;

/** Shows progress on a terminal as one line that is redrawn, elsewhere as a few plain lines. */
export function createProgress({
  stream = process.stderr,
  now = () => performance.now(),
}: ProgressOptions = {}): Progress {
  let label: string | undefined;
  let lastTenth = -1;
  let lastMs = -Infinity;
  let drawn = 0;

  const clear = () => {
    if (drawn > 0) stream.write(`\r${' '.repeat(drawn)}\r`);
    drawn = 0;
  };
  const draw = (state: ProgressState) => {
    // A line that reaches the last column would wrap, and stay.
    const text = renderProgress(state).slice(0, (stream.columns ?? 80) - 1);
    stream.write(`\r${text.padEnd(drawn)}`);
    drawn = text.length;
  };

  return {
    update(state) {
      const {done, total} = state;
      const tenth = total === undefined || total === 0 ? -1 : Math.floor((done / total) * 10);
      const isNew = state.label !== label;
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
    },
  };
}

/** 'libtorch: 95.9 of 191.8 MB, 50 %', or '[12/34] Building x.cpp' for steps. */
export function renderProgress({label, done, total, unit, note}: ProgressState): string {
  if (unit === 'steps') return `[${done}/${total ?? '?'}] ${label}`;
  const amount = unit === 'bytes' ? (bytes: number) => (bytes / 1e6).toFixed(1) : String;
  const suffix = unit === 'bytes' ? ' MB' : '';
  const position =
    total === undefined || total === 0
      ? `${amount(done)}${suffix}`
      : `${amount(done)} of ${amount(total)}${suffix}, ${Math.floor((100 * done) / total)} %`;
  return `${label}: ${position}${note ? ` ${note}` : ''}`;
}
