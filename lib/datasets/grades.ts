import {readFile} from 'node:fs/promises';
import {join} from 'node:path';

/** The entry of an image in GlaS's `Grade.csv`. */
export type Grade = {patient: string; grade: string};

/**
 * Parses `Grade.csv` of the GlaS contest (name, patient ID, grade, …). Returns a map by image name. Lines end with CR,
 * LF or both: the contest's own file uses CR only. Lines without a name are skipped.
 */
export function parseGrades(csv: string): Map<string, Grade> {
  const [header = [], ...rows] = csv
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .map((line) => line.split(',').map((cell) => cell.trim()));
  const column = (prefix: string) => header.findIndex((name) => name.toLowerCase().startsWith(prefix));
  const [name, patient, grade] = [column('name'), column('patient'), column('grade')];
  const grades = new Map<string, Grade>();
  if (name < 0) return grades;
  for (const row of rows) {
    if (row[name]) grades.set(row[name], {patient: row[patient] ?? '', grade: row[grade] ?? ''});
  }
  return grades;
}

/** The grades in `Grade.csv` of a folder, which is optional. */
export async function readGrades(folder: string): Promise<Map<string, Grade>> {
  try {
    return parseGrades(await readFile(join(folder, 'Grade.csv'), 'utf8'));
  } catch {
    return new Map();
  }
}
