import {
  InertObject,
  MalformedPickle,
  PickledDict,
  PickleGlobal,
  StorageRef,
  TensorRef,
  UnsupportedTensor,
} from './pickle-values.js';

/** The dtypes of the storage classes in `torch/__init__.py`. */
export const storageClasses: Readonly<Record<string, string>> = {
  FloatStorage: 'float32',
  DoubleStorage: 'float64',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
  ComplexFloatStorage: 'complex64',
  ComplexDoubleStorage: 'complex128',
  QInt8Storage: 'qint8',
  QUInt8Storage: 'quint8',
  QInt32Storage: 'qint32',
  QUInt4x2Storage: 'quint4x2',
  QUInt2x4Storage: 'quint2x4',
};

/** Constants of the module `torch`: dtypes and quantisation schemes. A tensor of a foreign dtype is refused later. */
const torchConstants = new Set(
  (
    'float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool uint16 uint32 uint64 complex32 complex64 ' +
    'complex128 bcomplex32 qint8 quint8 qint32 quint4x2 quint2x4 ' +
    'int1 int2 int3 int4 int5 int6 int7 uint1 uint2 uint3 uint4 uint5 uint6 uint7 ' +
    'bits8 bits16 bits1x8 bits2x4 bits4x2 float4_e2m1fn_x2 ' +
    'float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu ' +
    'per_tensor_affine per_channel_affine per_tensor_symmetric per_channel_symmetric per_channel_affine_float_qparams'
  ).split(' '),
);

/**
 * Classes and functions of values that training scripts store beside the weights, such as the best score so far. Those
 * of NumPy are more than torch.load(weights_only=True) allows by default: here they are data, and nothing calls NumPy.
 * Protocol 2 uses the Python 2 name of the builtins module.
 */
const inertClasses = new Set([
  // Protocols below 3 write bytes this way.
  '_codecs.encode',
  'argparse.Namespace',
  'collections.Counter',
  'torch.device',
  'torch.serialization._get_layout',
  'torch.Tensor',
  'torch.nn.parameter.Parameter',
  'torch.nn.parameter.Buffer',
  'numpy.dtype',
  'numpy.ndarray',
  // The module's names before and since NumPy 2.
  ...['numpy.core.multiarray', 'numpy._core.multiarray'].flatMap((name) => [`${name}.scalar`, `${name}._reconstruct`]),
  ...[
    'bool',
    'bytearray',
    'bytes',
    'complex',
    'dict',
    'float',
    'frozenset',
    'int',
    'list',
    'set',
    'str',
    'tuple',
  ].flatMap((name) => [`builtins.${name}`, `__builtin__.${name}`]),
]);

const unsupportedTensors: Readonly<Record<string, string>> = {
  _rebuild_qtensor: 'a quantised',
  _rebuild_sparse_tensor: 'a sparse',
  _rebuild_sparse_csr_tensor: 'a sparse',
  _rebuild_nested_tensor: 'a nested',
  _rebuild_meta_tensor_no_storage: 'a meta (data-less)',
  _rebuild_device_tensor_from_cpu_tensor: 'a foreign-device',
  _rebuild_device_tensor_from_numpy: 'a foreign-device',
  _rebuild_wrapper_subclass: 'a wrapped',
};

/** Tensor classes per dtype, as PyTorch had them before 0.4. */
const tensorClass = /^(BFloat16|Bool|Byte|Char|Double|Float|Half|Int|Long|Short)Tensor$/;

const rebuilders: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
  // (storage, offset, size, stride)
  _rebuild_tensor: (args) => rebuildTensor(args, undefined, undefined),
  // (storage, offset, size, stride, requires_grad, backward_hooks, metadata?)
  _rebuild_tensor_v2: (args) => rebuildTensor(args, undefined, args[6]),
  // (storage, offset, size, stride, requires_grad, backward_hooks, dtype, metadata?)
  _rebuild_tensor_v3: (args) => rebuildTensor(args, args[6], args[7]),
  // (tensor, requires_grad, backward_hooks[, state])
  _rebuild_parameter: ([tensor]) => tensor,
  _rebuild_parameter_with_state: ([tensor]) => tensor,
};

/**
 * Returns the class or function that a pickle may refer to: those of state dicts, and harmless ones that training
 * scripts store beside them. Returns undefined for any other. The created values are data; no name leads to code that a
 * file could choose.
 */
export function findGlobal(module: string, name: string): PickleGlobal | undefined {
  const full = `${module}.${name}`;
  if (full === 'collections.OrderedDict') return new PickleGlobal(full, ([items]) => orderedDict(items));
  if (full === 'torch.Size') return new PickleGlobal(full, ([sides]) => sides ?? []);
  // A tensor with additional attributes: (rebuild function, class, its arguments, attributes).
  if (full === 'torch._tensor._rebuild_from_type_v2') return new PickleGlobal(full, rebuildFromType);
  if (inertClasses.has(full)) return new PickleGlobal(full, (args) => new InertObject(full, args));
  if (module === 'torch._utils') {
    const rebuild = Object.hasOwn(rebuilders, name) ? rebuilders[name] : undefined;
    if (rebuild !== undefined) return new PickleGlobal(full, rebuild);
    const kind = Object.hasOwn(unsupportedTensors, name) ? unsupportedTensors[name] : undefined;
    if (kind !== undefined) return new PickleGlobal(full, () => new UnsupportedTensor(kind));
  }
  if (module === 'torch' && torchConstants.has(name)) return new PickleGlobal(full);
  if ((module === 'torch' || module === 'torch.cuda') && Object.hasOwn(storageClasses, name)) {
    return new PickleGlobal(full);
  }
  if (/^torch(\.cuda)?(\.sparse)?$/.test(module) && tensorClass.test(name)) {
    return new PickleGlobal(full, () => new UnsupportedTensor('a legacy'));
  }
  if (module === 'torch.storage' && /^_?(Untyped|Typed)Storage$/.test(name)) return new PickleGlobal(full);
  return undefined;
}

/**
 * Converts a persistent id of torch to a storage. The id is `('storage', class, key, location, length)`. In legacy
 * files, None or `(view key, offset, length)` follows. The unit of lengths is one element, or one byte for untyped
 * storages.
 */
export function loadStorage(id: unknown): StorageRef {
  if (!Array.isArray(id) || id[0] !== 'storage') {
    throw new MalformedPickle('expected a storage as persistent object');
  }
  const [, type, key, , length, view] = id as unknown[];
  if (!(type instanceof PickleGlobal)) throw new MalformedPickle('a storage has no class');
  if (typeof key !== 'string') throw new MalformedPickle('a storage has no key');
  const className = type.name.slice(type.name.lastIndexOf('.') + 1);
  const dtype = storageClasses[className] ?? 'untyped';
  if (!Array.isArray(view)) return new StorageRef(dtype, key, count(length, 'length of a storage'));
  return new StorageRef(dtype, key, count(view[2], 'length of a storage'), count(view[1], 'offset of a storage'));
}

function rebuildTensor(args: readonly unknown[], dtype: unknown, metadata: unknown): TensorRef | UnsupportedTensor {
  const [storage, offset, size, stride] = args;
  if (!(storage instanceof StorageRef)) throw new MalformedPickle('a tensor has no storage');
  if (!Array.isArray(size) || !Array.isArray(stride) || size.length !== stride.length || size.length > 64) {
    throw new MalformedPickle('expected a shape and strides of one length, at most 64, for a tensor');
  }
  const shape = size.map((side) => count(side, 'side of a tensor'));
  const strides = stride.map((step) => count(step, 'stride of a tensor'));
  if (!Number.isSafeInteger(shape.reduce((product, side) => product * side, 1))) {
    throw new MalformedPickle(`a tensor has the impossible shape [${shape}]`);
  }
  // Metadata has the bits of lazy conjugation and negation, which mean "read me as -x".
  if (metadata instanceof Map && [...metadata.values()].some(Boolean)) return new UnsupportedTensor('a lazily negated');
  const name = dtype instanceof PickleGlobal ? dtype.name.replace('torch.', '') : storage.dtype;
  return new TensorRef(storage, name, count(offset, 'offset of a tensor'), shape, strides);
}

function rebuildFromType([rebuild, , args]: readonly unknown[]): unknown {
  if (!(rebuild instanceof PickleGlobal) || !rebuild.name.startsWith('torch._utils.') || !Array.isArray(args)) {
    throw new MalformedPickle('a tensor has no function to rebuild it');
  }
  return rebuild.call?.(args);
}

function orderedDict(items: unknown): PickledDict {
  const dict = new PickledDict();
  if (items === undefined) return dict;
  if (!Array.isArray(items)) throw new MalformedPickle('expected a list of pairs for an OrderedDict');
  for (const pair of items) {
    if (!Array.isArray(pair) || pair.length !== 2) throw new MalformedPickle('expected pairs for an OrderedDict');
    dict.set(pair[0], pair[1]);
  }
  return dict;
}

function count(value: unknown, what: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new MalformedPickle(`expected a whole number as the ${what}, not ${describe(value)}`);
}

function describe(value: unknown): string {
  // No String() of a container: a malicious one may be endless.
  return ['number', 'bigint', 'boolean'].includes(typeof value) ? String(value) : `a value of type ${typeof value}`;
}
