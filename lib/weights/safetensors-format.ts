import type {DType} from '../../binding.js';

/** Names of the dtypes in safetensors (its README, "Format"). */
export const safetensorsDTypes: Readonly<Record<DType, string>> = {
  float32: 'F32',
  float64: 'F64',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
};

/** Maximum header size in bytes: `MAX_HEADER_SIZE` of the reference implementation. */
export const longestHeader = 100_000_000;
