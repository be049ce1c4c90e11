import {depthNotices, type FileNotice} from '../../lib/image/notices.js';

/** The notice of an image of 16 bits with these values, read by its upper 8 bits. */
export function depthNotice(file: string, least: number, most: number): FileNotice {
  const [notice] = depthNotices(file, {
    type: 'uint16',
    values: [least, most],
    levels: [least >> 8, most >> 8],
    range: 'full',
  });
  return notice!;
}
