/**
 * The parts of ONNX's protobuf messages that an export needs. Field numbers and enumerations: onnx/onnx.proto of ONNX.
 */
import {BinaryWriter, WireType} from '@bufbuild/protobuf/wire';
import {ENTRY_FIELDS, METADATA_FIELD} from '../onnx-runtime/file-metadata.js';

/** The element types that exports use, with their numbers in TensorProto.DataType. */
const ELEMENT_TYPES = {float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11} as const;

export type ElementType = keyof typeof ELEMENT_TYPES;

/** Bytes of one element. */
export const ELEMENT_SIZES: Readonly<Record<ElementType, number>> = {
  float32: 4,
  uint8: 1,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  float64: 8,
};

/** A tensor of known size, whose bytes (little-endian) may be made later. */
export type Tensor = {name: string; type: ElementType; dims: readonly number[]};

/** An input or output. A dimension is a length, or a name for one that is not known before. */
export type Value = {name: string; type: ElementType; dims: readonly (number | string)[]};

export type Attribute = number | string | readonly number[] | {float: number} | GraphBody;

export type Node = {
  operator: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Readonly<Record<string, Attribute>>;
};

/** A graph without its initializers. */
export type GraphBody = {name: string; nodes: readonly Node[]; inputs: readonly Value[]; outputs: readonly Value[]};

/** What describes a model besides its graph. */
export type ModelHeader = {
  irVersion: number;
  opset: number;
  producer: string;
  version: string;
  metadata: Map<string, string>;
};

const MODEL = {irVersion: 1, producerName: 2, producerVersion: 3, graph: 7, opsetImport: 8};
const OPSET = {version: 2};

const GRAPH = {node: 1, name: 2, initializer: 5, input: 11, output: 12};
const NODE = {input: 1, output: 2, name: 3, opType: 4, attribute: 5};
const ATTRIBUTE = {name: 1, f: 2, i: 3, s: 4, g: 6, ints: 8, type: 20};
/** AttributeProto.AttributeType. */
const ATTRIBUTE_TYPES = {float: 1, int: 2, string: 3, graph: 5, ints: 7};
const TENSOR = {dims: 1, dataType: 2, name: 8, rawData: 9};
const VALUE = {name: 1, type: 2};
const TYPE = {tensor: 1};
const TENSOR_TYPE = {elementType: 1, shape: 2};
const SHAPE = {dim: 1};
const DIM = {value: 1, parameter: 2};

/** All of a ModelProto before the initializers of its graph. `initializerBytes`: their length in the file. */
export function encodeModelStart(header: ModelHeader, graph: GraphBody, initializerBytes: number): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(MODEL.irVersion, WireType.Varint).int64(header.irVersion);
  text(writer, MODEL.producerName, header.producer);
  text(writer, MODEL.producerVersion, header.version);
  message(writer, MODEL.opsetImport, () => writer.tag(OPSET.version, WireType.Varint).int64(header.opset));
  for (const [key, value] of header.metadata) {
    message(writer, METADATA_FIELD, () => {
      text(writer, ENTRY_FIELDS.key, key);
      text(writer, ENTRY_FIELDS.value, value);
    });
  }
  const body = new BinaryWriter();
  encodeGraph(body, graph);
  const bytes = body.finish();
  writer.tag(MODEL.graph, WireType.LengthDelimited).uint32(bytes.length + initializerBytes);
  return Buffer.concat([writer.finish(), bytes]);
}

/** All of an initializer of a graph before its bytes, which must follow. */
export function encodeInitializerStart({name, type, dims}: Tensor, byteLength: number): Uint8Array {
  const head = new BinaryWriter();
  for (const dim of dims) head.tag(TENSOR.dims, WireType.Varint).int64(dim);
  head.tag(TENSOR.dataType, WireType.Varint).int32(ELEMENT_TYPES[type]);
  text(head, TENSOR.name, name);
  head.tag(TENSOR.rawData, WireType.LengthDelimited).uint32(byteLength);
  const bytes = head.finish();
  const start = new BinaryWriter();
  start.tag(GRAPH.initializer, WireType.LengthDelimited).uint32(bytes.length + byteLength);
  return Buffer.concat([start.finish(), bytes]);
}

function encodeGraph(writer: BinaryWriter, {name, nodes, inputs, outputs}: GraphBody): void {
  for (const node of nodes) message(writer, GRAPH.node, () => encodeNode(writer, node));
  text(writer, GRAPH.name, name);
  for (const value of inputs) message(writer, GRAPH.input, () => encodeValue(writer, value));
  for (const value of outputs) message(writer, GRAPH.output, () => encodeValue(writer, value));
}

function encodeNode(writer: BinaryWriter, {operator, inputs, outputs, attributes}: Node): void {
  for (const input of inputs) text(writer, NODE.input, input);
  for (const output of outputs) text(writer, NODE.output, output);
  text(writer, NODE.name, outputs[0]!);
  text(writer, NODE.opType, operator);
  for (const [name, value] of Object.entries(attributes)) {
    message(writer, NODE.attribute, () => {
      text(writer, ATTRIBUTE.name, name);
      encodeAttribute(writer, value);
    });
  }
}

function encodeAttribute(writer: BinaryWriter, value: Attribute): void {
  const type = (number: number) => writer.tag(ATTRIBUTE.type, WireType.Varint).int32(number);
  if (typeof value === 'number') {
    writer.tag(ATTRIBUTE.i, WireType.Varint).int64(value);
    type(ATTRIBUTE_TYPES.int);
  } else if (typeof value === 'string') {
    text(writer, ATTRIBUTE.s, value);
    type(ATTRIBUTE_TYPES.string);
  } else if ('float' in value) {
    writer.tag(ATTRIBUTE.f, WireType.Bit32).float(value.float);
    type(ATTRIBUTE_TYPES.float);
  } else if ('nodes' in value) {
    message(writer, ATTRIBUTE.g, () => encodeGraph(writer, value));
    type(ATTRIBUTE_TYPES.graph);
  } else {
    for (const item of value) writer.tag(ATTRIBUTE.ints, WireType.Varint).int64(item);
    type(ATTRIBUTE_TYPES.ints);
  }
}

function encodeValue(writer: BinaryWriter, {name, type, dims}: Value): void {
  text(writer, VALUE.name, name);
  message(writer, VALUE.type, () =>
    message(writer, TYPE.tensor, () => {
      writer.tag(TENSOR_TYPE.elementType, WireType.Varint).int32(ELEMENT_TYPES[type]);
      message(writer, TENSOR_TYPE.shape, () => {
        for (const dim of dims) {
          message(writer, SHAPE.dim, () => {
            if (typeof dim === 'string') text(writer, DIM.parameter, dim);
            else writer.tag(DIM.value, WireType.Varint).int64(dim);
          });
        }
      });
    }),
  );
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function message(writer: BinaryWriter, field: number, content: () => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  content();
  writer.join();
}
