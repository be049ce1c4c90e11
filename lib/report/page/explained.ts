import {attribute, escapeMarkup} from '../../draw/canvas.js';

/**
 * A term of which report.js shows the meaning: under the pointer, after a touch, and when the keyboard gets to it.
 * Screen readers read the meaning aloud. Without a meaning, it is plain text. `byKeyboard`: whether the keyboard stops
 * at it.
 */
export function explained(term: string, meaning: string | undefined, {byKeyboard = true} = {}): string {
  if (meaning === undefined) return escapeMarkup(term);
  return `<span class="explained"${byKeyboard ? ' tabindex="0"' : ''} ${attribute('aria-description', meaning)}>${escapeMarkup(term)}</span>`;
}
