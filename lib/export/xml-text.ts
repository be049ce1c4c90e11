import {MaskRcnnError} from '../basics/errors.js';
import {show} from '../basics/wording.js';

const ESCAPED: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // As they are, parsers would read spaces in attributes (XML 1.0, section 3.3.3).
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/**
 * Text as it stands in an XML file, between tags or between double quotation marks. Throws INVALID_OPTION for
 * characters that XML 1.0 cannot hold (section 2.2), such as control characters.
 */
export function xmlText(text: string): string {
  const wrong = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.exec(text)?.[0];
  if (wrong === undefined) return text.replace(/[&<>"\t\n\r]/g, (character) => ESCAPED[character]!);
  const code = wrong.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `A name in an XML file must have no character U+${code}, got ${show(text)}.`,
  );
}
