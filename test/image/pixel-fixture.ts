import {readFileSync} from 'node:fs';
import type {PixelOptions} from '../../lib/image/pixel-options.js';
import type {SampleType} from '../../lib/image/samples.js';

/** Image files and what numpy makes of them, as scripts/fixtures/pixels.py writes them. */
export type PixelFixture = {
  files: {
    name: string;
    file: Uint8Array;
    /** Numbers of its pages. */
    stored: {page: number; type: SampleType; channels: number; sha1: string}[];
    cases: {options: PixelOptions; width: number; height: number; sha1: string}[];
  }[];
  percentiles: {type: SampleType; values: number[]; percents: number[]; expected: number[]}[];
};

export function readFixture(): PixelFixture {
  const path = new URL('../fixtures/image/pixels.json', import.meta.url);
  const {files, ...others} = JSON.parse(readFileSync(path, 'utf8'));
  return {
    ...others,
    files: files.map((each: {file: string}) => ({...each, file: Uint8Array.from(Buffer.from(each.file, 'base64'))})),
  };
}
