/** The versions that this package is built against and that `maskrcnn setup` downloads. */
export const pinned = {torch: '2.13.0', torchvision: '0.28.0'} as const;

/** The minor versions that the source can be built against, `first` and `last` included. */
export const supported = {first: '2.11', last: '2.14'} as const;

/** 'cuda' supports NVIDIA GPUs and the CPU and takes about 3 GB; 'cpu' takes 0.2 GB. */
export type Variant = 'cpu' | 'cuda';

/** PyTorch's own package indexes (PEP 503). */
export const officialIndex: Record<Variant, string> = {
  cpu: 'https://download.pytorch.org/whl/cpu',
  cuda: 'https://download.pytorch.org/whl/cu130',
};

/** SHA-256 by file name. Wheels that are not listed are checked against the digest in their index, if it has one. */
export const pinnedDigests: Readonly<Record<string, string>> = {
  'torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl':
    '6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b',
};
