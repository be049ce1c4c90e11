/**
 * The subset of TensorBoard's `Event` message that scalars need, in protobuf's wire format
 * (protobuf.dev/programming-guides/ encoding), and the TFRecord frame around each message. Field numbers:
 * tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto.
 */
import {maskedCrc32c} from './crc32c.js';

/** The content of an event besides its time and step. */
export type EventContent =
  | {fileVersion: string}
  /** A run starts or resumes. Readers then discard what earlier files recorded for this step and later ones. */
  | {sessionStart: true}
  | {scalars: readonly (readonly [tag: string, value: number])[]};

const EVENT = {wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7};
const SUMMARY = {value: 1};
const VALUE = {tag: 1, simpleValue: 2};
const SESSION_LOG = {status: 1};
const SESSION_START = 1;

const WIRE = {varint: 0, fixed64: 1, bytes: 2, fixed32: 5};

/** Encodes an `Event`. `wallTime` is in seconds since 1970. */
export function encodeEvent(wallTime: number, step: number, content: EventContent): Uint8Array {
  // protobuf omits fields that are 0.
  const head = [double(EVENT.wallTime, wallTime), ...(step === 0 ? [] : [integer(EVENT.step, step)])];
  if ('fileVersion' in content) return Buffer.concat([...head, text(EVENT.fileVersion, content.fileVersion)]);
  if ('sessionStart' in content) {
    return Buffer.concat([...head, bytes(EVENT.sessionLog, integer(SESSION_LOG.status, SESSION_START))]);
  }
  const values = content.scalars.map(([tag, value]) =>
    bytes(SUMMARY.value, Buffer.concat([text(VALUE.tag, tag), float(VALUE.simpleValue, value)])),
  );
  return Buffer.concat([...head, bytes(EVENT.summary, Buffer.concat(values))]);
}

/**
 * The length, its checksum, the data, and the data's checksum, all little-endian
 * (tensorflow/core/lib/io/record_writer.cc).
 */
export function frame(data: Uint8Array): Uint8Array {
  const header = Buffer.alloc(12);
  header.writeBigUInt64LE(BigInt(data.length), 0);
  header.writeUInt32LE(maskedCrc32c(header.subarray(0, 8)), 8);
  const footer = Buffer.alloc(4);
  footer.writeUInt32LE(maskedCrc32c(data), 0);
  return Buffer.concat([header, data, footer]);
}

function key(field: number, type: number): Uint8Array {
  return varint((field << 3) | type);
}

/**
 * Seven bits per byte, lowest first. The eighth bit is set while more bytes follow. `value` is a non-negative integer.
 */
function varint(value: number): Uint8Array {
  const groups: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) groups.push((rest % 128) | 128);
  return Uint8Array.from([...groups, rest]);
}

function integer(field: number, value: number): Uint8Array {
  return Buffer.concat([key(field, WIRE.varint), varint(value)]);
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([key(field, WIRE.bytes), varint(value.length), value]);
}

function text(field: number, value: string): Uint8Array {
  return bytes(field, Buffer.from(value, 'utf8'));
}

function double(field: number, value: number): Uint8Array {
  const data = Buffer.alloc(8);
  data.writeDoubleLE(value);
  return Buffer.concat([key(field, WIRE.fixed64), data]);
}

function float(field: number, value: number): Uint8Array {
  const data = Buffer.alloc(4);
  data.writeFloatLE(value);
  return Buffer.concat([key(field, WIRE.fixed32), data]);
}
