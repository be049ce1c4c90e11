import {toAugmentation} from '../augment/presets.js';
import type {ProcessGroup} from '../distributed/process-group.js';
import {checkNetworkSize} from '../image/network-size.js';
import {type FileNotice, noticesOf} from '../image/notices.js';
import type {MaskRcnn} from '../model/model.js';
import {aspectRatioGroups} from './aspect-ratio-groups.js';
import {repeatsOf} from './balance.js';
import {boxesAloneTeller} from './boxes-alone.js';
import {createLoader, type Loader} from './loader.js';
import type {ResolvedTrainOptions, TrainOptions} from './options.js';

/** The loader of a run; in a group, of the parts of the batches that this process takes. */
export async function openLoader(
  model: MaskRcnn,
  {data, augment = 'hflip', signal}: TrainOptions,
  {
    batchSize,
    processes,
    seed,
    groupByAspectRatio,
    balance,
    balanceThreshold,
    unreadable,
    prefetch,
  }: ResolvedTrainOptions,
  {
    say,
    tellFiles,
    group,
  }: {
    say: (text: string) => void;
    tellFiles: (notices: readonly FileNotice[]) => void;
    group: ProcessGroup | undefined;
  },
): Promise<Loader> {
  const bins = groupByAspectRatio === true ? undefined : groupByAspectRatio;
  const groups = bins === false ? undefined : await aspectRatioGroups(data, bins);
  const tellBoxes = boxesAloneTeller(data, model.options.masks, say);
  const repeats = balance === 'none' ? undefined : await repeatsOf(data, {balanceThreshold, unreadable, say, signal});
  return createLoader(data, {
    batchSize: batchSize * processes,
    seed,
    unreadable,
    prefetch,
    ...(groups && {groups}),
    ...(repeats && {repeats}),
    ...(group && {share: {rank: group.rank, size: group.size}}),
    onRead: (sample) => {
      tellFiles(noticesOf(sample));
      tellBoxes(sample);
    },
    augment: toAugmentation(augment),
    ...(!model.options.skipResize && {
      check: ({file, image}) => checkNetworkSize(image, model.options, {name: file, file}),
    }),
    onSkip: (_, error) => say(`Left out: ${error.message}`),
    // In a group, all processes end at the same step.
    ...(signal && group === undefined && {signal}),
  });
}
