/** The versions that this package is built against, and that `maskrcnn setup` fetches. */
export const pinned = {torch: '2.13.0', torchvision: '0.28.0'} as const;

/** The source builds against these minor versions, the first and the last included. */
export const supported = {first: '2.11', last: '2.14'} as const;

/** 'cuda' serves NVIDIA GPUs and the CPU: about 3 GB against 0.2 GB. */
export type Variant = 'cpu' | 'cuda';

/** PyTorch's own package indexes (PEP 503). */
export const officialIndex: Record<Variant, string> = {
  cpu: 'https://download.pytorch.org/whl/cpu',
  cuda: 'https://download.pytorch.org/whl/cu130',
};

/** SHA-256 by file name. Wheels that are not named here are held against what their index says, if it says anything. */
export const pinnedDigests: Readonly<Record<string, string>> = {
  'torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl':
    '6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b',
};
