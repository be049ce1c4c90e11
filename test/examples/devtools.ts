import {type ChildProcess, spawn} from 'node:child_process';
import type {Readable, Writable} from 'node:stream';

/** What Chromium says while a page is only beginning to load. */
const NO_PAGE_YET = 'Cannot find default execution context';

type Answer = {id?: number; result?: Record<string, unknown>; error?: {message: string}};

/**
 * A page in a headless Chromium, driven by its DevTools protocol. It goes through pipes, so that no port is open and no
 * library is needed.
 */
export class BrowserPage {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<
    number,
    {resolve: (result: Record<string, unknown>) => void; reject: (e: Error) => void}
  >();
  #session: string | undefined;
  #last = 0;

  private constructor(process: ChildProcess) {
    this.#process = process;
    let rest = '';
    (process.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => {
      const messages = (rest + text).split('\0');
      rest = messages.pop()!;
      for (const message of messages) this.#take(JSON.parse(message) as Answer);
    });
    process.once('exit', () => {
      for (const {reject} of this.#waiting.values()) reject(new Error('Chromium has ended.'));
    });
  }

  /** Opens a page at `url` in a browser of its own, whose profile is `folder`. `flags` are further ones of Chromium. */
  static async open(chromium: string, url: string, folder: string, flags: string[] = []): Promise<BrowserPage> {
    const own = ['--headless=new', '--disable-gpu', '--no-sandbox', '--remote-debugging-pipe'];
    const process = spawn(chromium, [...own, `--user-data-dir=${folder}`, ...flags], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    const page = new BrowserPage(process);
    const {targetId} = await page.send('Target.createTarget', {url});
    const {sessionId} = await page.send('Target.attachToTarget', {targetId, flatten: true});
    page.#session = sessionId as string;
    return page;
  }

  /** Calls a method of the protocol. */
  send(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = ++this.#last;
    const message = {id, method, params, ...(this.#session !== undefined && {sessionId: this.#session})};
    (this.#process.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    return new Promise((resolve, reject) => this.#waiting.set(id, {resolve, reject}));
  }

  /** The value of an expression in the page. */
  async value<T>(expression: string): Promise<T> {
    const {result, exceptionDetails} = await this.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as {value: T}).value;
  }

  /** Waits until an expression is true. */
  async until(expression: string, milliseconds = 60_000): Promise<void> {
    const end = Date.now() + milliseconds;
    const isTrue = () =>
      this.value<boolean>(expression).catch((error: Error) => {
        if (error.message === NO_PAGE_YET) return false;
        throw error;
      });
    while (!(await isTrue())) {
      if (Date.now() > end) throw new Error(`'${expression}' did not become true.`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Chooses a file for the input that `selector` finds. */
  async choose(selector: string, file: string): Promise<void> {
    const {root} = await this.send('DOM.getDocument');
    const {nodeId} = await this.send('DOM.querySelector', {nodeId: (root as {nodeId: number}).nodeId, selector});
    await this.send('DOM.setFileInputFiles', {nodeId, files: [file]});
  }

  /** A picture of the page at a width of `width` pixels, as PNG. */
  async picture(width: number, height: number): Promise<Buffer> {
    await this.send('Emulation.setDeviceMetricsOverride', {width, height, deviceScaleFactor: 1, mobile: width < 700});
    const {data} = await this.send('Page.captureScreenshot', {format: 'png'});
    return Buffer.from(data as string, 'base64');
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill();
    await ended;
  }

  #take({id, result, error}: Answer): void {
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || waiting === undefined) return; // an event
    this.#waiting.delete(id);
    if (error === undefined) waiting.resolve(result ?? {});
    else waiting.reject(new Error(error.message));
  }
}
