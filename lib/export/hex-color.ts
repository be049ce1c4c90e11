import type {Color} from '../draw/colors.js';

/** '#56B4E9' */
export function hexColor(color: Color): string {
  return `#${color.map((value) => value.toString(16).padStart(2, '0')).join('')}`.toUpperCase();
}
