import {execFile, execFileSync} from 'node:child_process';
import {pathToFileURL} from 'node:url';
import {promisify} from 'node:util';

/** The browser on this machine, if there is one. */
export const chromium = [process.env.CHROME, 'chromium', 'chromium-browser', 'google-chrome'].find((command) => {
  if (!command) return false;
  try {
    execFileSync(command, ['--version'], {stdio: 'ignore'});
    return true;
  } catch {
    return false;
  }
});

/**
 * A page that shows `file` in a frame of this width, because windows cannot be as narrow as a phone. The text that the
 * frame posts becomes the text of the page.
 */
export function framePage(file: string, width: number): string {
  return `<!doctype html><meta charset="utf-8">
<iframe src="${pathToFileURL(file)}" width="${width}" height="844" style="border: 0"></iframe>
<script>addEventListener('message', ({data}) => { document.body.textContent = data; });</script>`;
}

/** The document of `file` after its scripts have run. */
export async function openInChromium(file: string, folder: string): Promise<string> {
  const {stdout} = await promisify(execFile)(
    chromium!,
    [
      ...['--headless=new', '--disable-gpu', '--no-sandbox', `--user-data-dir=${folder}`, '--window-size=900,900'],
      ...['--virtual-time-budget=20000', '--dump-dom', pathToFileURL(file).href],
    ],
    {maxBuffer: 1 << 26, timeout: 60_000},
  );
  return stdout;
}
