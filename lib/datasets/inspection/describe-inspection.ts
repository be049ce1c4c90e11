import {count} from '../../basics/wording.js';
import type {Inspection} from '../inspect.js';
import {describeStoredSummary} from '../stored-summary.js';
import {describeBalance} from './class-balance.js';
import {describeSizes} from './object-sizes.js';
import type {Spread} from './spread.js';

/** Describes an inspection as text, with one line each: counts, then warnings, then every error. */
export function describeInspection(inspection: Inspection): string {
  const {images, instances, boxesAlone, negatives, classes, width, height, instancesPerImage, area, faults, warnings} =
    inspection;
  const {trainingSizes, balance} = inspection;
  const between = (spread: Spread | null) =>
    spread === null ? 'none' : `${spread.min} to ${spread.max}, half of them up to ${spread.median}`;
  const counts = [
    `${count(images, 'image')}, ${negatives} of them without instances; ${count(instances, 'instance')}.`,
    ...(boxesAlone === 0 ? [] : [`Of ${count(boxesAlone, 'instance')} only the box is known.`]),
    `Width ${between(width)}; height ${between(height)} pixels.`,
    `Instances per image: ${between(instancesPerImage)}. Pixels per instance: ${between(area)}.`,
    ...describeStoredSummary(inspection.pixels),
    ...classes.map(
      (each) => `Class '${each.name}': ${count(each.instances, 'instance')} on ${count(each.images, 'image')}.`,
    ),
    ...describeSizes(trainingSizes),
    ...describeBalance(balance, classes),
  ];
  return [
    ...(images > 0 && width === null ? [`${count(images, 'image')}, of which none could be read.`] : counts),
    ...warnings.map((warning) => `Warning: ${warning}`),
    ...faults.map(({message}) => `Fault: ${message}`),
    faults.length === 0 ? 'No faults.' : `${count(faults.length, 'fault')}.`,
  ].join('\n');
}
