import type {BackboneName, Model as NativeModel} from '../../binding.js';
import {loadRuntime} from '../addon/binding.js';
import {usableCpus} from '../addon/cpus.js';
import {chooseDevice} from '../addon/device.js';
import {native} from '../addon/native-errors.js';
import {count} from '../basics/wording.js';
import {adaptPredictors, servesAsIs} from '../weights/adapt-predictors.js';
import {toBackboneStateDict} from '../weights/backbone-state-dict.js';
import {hasMaskHead, withMaskHeadOf, withoutMaskHead} from '../weights/mask-head.js';
import {renameOldKeys} from '../weights/rename-old-keys.js';
import {requireMatchingStateDict, type StateDict, toStateDict} from '../weights/state-dict.js';
import {checkModelOptions} from './check-options.js';
import {completeModelOptions} from './complete-options.js';
import {MaskRcnn} from './model.js';
import type {ModelOptions} from './options.js';
import {chooseClasses, defaultsOf, readSource, type Source} from './source.js';

/**
 * Builds a Mask R-CNN and loads its weights, if the options name any. Without options, it is an untrained ResNet-50 FPN
 * for COCO's classes, with torchvision's defaults.
 *
 * Throws INVALID_OPTION; LIBTORCH_NOT_FOUND, LIBTORCH_MISMATCH, ADDON_NOT_FOUND or NATIVE if libtorch or the addon
 * cannot be loaded; DEVICE_UNAVAILABLE; WEIGHTS_UNAVAILABLE or CHECKSUM_MISMATCH; INVALID_CHECKPOINT, UNSAFE_CHECKPOINT
 * or STATE_DICT_MISMATCH; OUT_OF_MEMORY; or the reason of an aborted signal.
 */
export async function maskRcnn(options: ModelOptions = {}): Promise<MaskRcnn> {
  checkModelOptions(options);
  options.signal?.throwIfAborted();
  const loaded = await loadRuntime();
  const {binding} = loaded;
  const {device, notice} = await chooseDevice(options.device ?? 'auto', loaded);
  const source = await readSource(options, binding.lendBytes);
  const merged = {...defaultsOf(source), ...source?.network, ...withoutUndefined(options)};
  const classes = chooseClasses(options, source);
  const {options: complete, notices} = completeModelOptions(merged, {
    pretrained: source !== undefined,
    frozenBatchNormEps: source?.frozenBatchNormEps,
    numClasses: classes.length + 1,
    device,
    threads: binding.environment().threads,
  });
  const isWhole =
    source?.kind === 'detector' &&
    (complete.masks === 'none' || hasMaskHead(source.tensors)) &&
    servesAsIs(source.tensors, {fromClasses: source.classes, toClasses: classes});
  const model = await native(() => binding.Model.create(complete, {initialize: !isWhole}));
  try {
    if (source?.kind === 'detector') {
      notices.push(...(await loadDetector(model, source, {classes, masks: complete.masks, isWhole})));
    }
    if (source?.kind === 'backbone') await loadBackbone(model, source, complete.backbone);
  } catch (error) {
    model.dispose();
    throw error;
  }
  if (isSlowInBfloat16(complete, binding.environment().cpuCapability)) {
    notices.push(
      "precision 'bfloat16' is many times slower than 'float32' on this processor: libtorch's fast kernels for it need " +
        'AVX-512.',
    );
  }
  const {cpus} = usableCpus();
  if (complete.threads > cpus) {
    notices.push(
      `threads: ${complete.threads} is more than the ${count(cpus, 'CPU')} that this process may use. That is slower.`,
    );
  }
  const all = [...(notice === undefined ? [] : [notice]), ...(source?.notices ?? []), ...notices];
  for (const notice of all) options.onNotice?.(notice);
  return new MaskRcnn({native: model, classes, options: complete, notices: all, pixels: source?.pixels ?? {}});
}

/** Whether libtorch multiplies bfloat16 by its reference kernels, as oneDNN's need AVX-512 on x86. */
function isSlowInBfloat16({precision, device}: {precision: string; device: string}, cpuCapability: string): boolean {
  return precision === 'bfloat16' && device === 'cpu' && ['AVX2', 'DEFAULT', 'NO AVX'].includes(cpuCapability);
}

/**
 * Loads a whole network. Returns notices about replaced layers. If `isWhole`, every tensor of the network comes from
 * the file. The tensors of `source` are consumed.
 */
async function loadDetector(
  model: NativeModel,
  source: Source,
  {classes, masks, isWhole}: {classes: readonly string[]; masks: 'instance' | 'none'; isWhole: boolean},
): Promise<string[]> {
  const parameters = model.parameters();
  const renamed = renameOldKeys(source.tensors, parameters).tensors;
  const current = masks === 'none' ? withoutMaskHead(renamed) : renamed;
  const notices =
    current.size < renamed.size ? [`${source.file}: left out its mask head, as option 'masks' is 'none'.`] : [];
  const load = async (tensors: StateDict) => {
    requireMatchingStateDict(tensors, parameters, {source: source.file});
    await native(() => model.loadStateDict([...tensors.values()], {consume: true}));
  };
  if (isWhole) {
    await load(current);
    return notices;
  }
  const initial = toStateDict(await native(() => model.stateDict()));
  const lacksMasks = masks === 'instance' && !hasMaskHead(current);
  const whole = lacksMasks ? withMaskHeadOf(initial, current) : current;
  const adapted = adaptPredictors(whole, {fromClasses: source.classes, toClasses: classes, initial});
  await load(adapted.tensors);
  if (lacksMasks) {
    notices.push(`${source.file}: it has no mask head. That of the network has random values and must be trained.`);
  }
  if (adapted.replaced.length > 0) notices.push(replacement(source, {classes, masks, copied: adapted.copiedClasses}));
  return notices;
}

function replacement(
  {file, network, classes: before = []}: Source,
  {classes, masks, copied}: {classes: readonly string[]; masks: 'instance' | 'none'; copied: readonly string[]},
): string {
  const predictors = masks === 'none' ? 'box predictor by a new one' : 'box and mask predictors by new ones';
  const kept = copied.length > 0 ? `; kept what it knows of ${copied.join(', ')}` : '';
  // Weights of one's own that go on: data without objects of a class must not make the network forget it unnoticed.
  const lost = network === undefined || copied.length === 0 ? [] : before.filter((name) => !classes.includes(name));
  const forgot = lost.length > 0 ? `; gave up ${shorten(lost)}, which option 'classes' can keep` : '';
  const known = `${count(classes.length, 'class', 'classes')} ${shorten(classes)}`;
  return `${file}: replaced its ${predictors} for the ${known}${kept}${forgot}.`;
}

async function loadBackbone(model: NativeModel, source: Source, backbone: BackboneName): Promise<void> {
  const {tensors} = toBackboneStateDict(source.tensors, {
    backbone,
    parameters: model.parameters(),
    source: source.file,
  });
  const whole = toStateDict(await native(() => model.stateDict()));
  for (const [name, tensor] of tensors) whole.set(name, tensor);
  await native(() => model.loadStateDict([...whole.values()]));
}

function shorten(names: readonly string[]): string {
  return names.length <= 8 ? names.join(', ') : `${names.slice(0, 8).join(', ')}, ...`;
}

function withoutUndefined(options: ModelOptions): ModelOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
