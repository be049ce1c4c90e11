import type {StateDict} from './state-dict.js';

/** The names of torchvision's mask head and mask predictor, which Faster R-CNN lacks. */
const OF_MASK_HEAD = /^roi_heads\.mask_(head|predictor)\./;

export function hasMaskHead(dict: StateDict): boolean {
  return [...dict.keys()].some((name) => OF_MASK_HEAD.test(name));
}

export function withoutMaskHead(dict: StateDict): StateDict {
  return new Map([...dict].filter(([name]) => !OF_MASK_HEAD.test(name)));
}

/** `dict` and the mask head of `initial`. */
export function withMaskHeadOf(initial: StateDict, dict: StateDict): StateDict {
  return new Map([...dict, ...[...initial].filter(([name]) => OF_MASK_HEAD.test(name))]);
}
