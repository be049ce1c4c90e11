import {readFile} from 'node:fs/promises';
import {escapeMarkup} from '../../draw/canvas.js';

/** A self-contained HTML page: style and scripts are inside, and nothing is loaded. */
export async function documentHtml({title, body}: {title: string; body: string}): Promise<string> {
  const [style, tips, script] = await Promise.all(['report.css', 'report.js', 'report-gallery.js'].map(readPart));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeMarkup(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escapeMarkup(title)}</h1>
${body}
<script type="module">${tips}${script}</script>
</body>
</html>
`;
}

function readPart(name: string): Promise<string> {
  return readFile(new URL(`./${name}`, import.meta.url), 'utf8');
}

/** A table in a frame that scrolls. Cells are markup. */
export function tableHtml(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return `<div class="scroll"><table>
<thead><tr>${headings.map((heading) => `<th>${heading}</th>`).join('')}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${row.map((each) => `<td>${each}</td>`).join('')}</tr>`).join('\n')}
</tbody>
</table></div>`;
}
