/**
 * The subset of TensorBoard's `Event` message that scalars need, and the TFRecord frame around each message. Field
 * numbers: tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto.
 */
import {BinaryWriter, WireType} from '@bufbuild/protobuf/wire';
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

/** Encodes an `Event`. `wallTime` is in seconds since 1970. */
export function encodeEvent(wallTime: number, step: number, content: EventContent): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(EVENT.wallTime, WireType.Bit64).double(wallTime);
  // protobuf omits fields that are 0.
  if (step !== 0) writer.tag(EVENT.step, WireType.Varint).int64(step);
  if ('fileVersion' in content) {
    writer.tag(EVENT.fileVersion, WireType.LengthDelimited).string(content.fileVersion);
  } else if ('sessionStart' in content) {
    writer.tag(EVENT.sessionLog, WireType.LengthDelimited).fork();
    writer.tag(SESSION_LOG.status, WireType.Varint).int32(SESSION_START).join();
  } else {
    writer.tag(EVENT.summary, WireType.LengthDelimited).fork();
    for (const [tag, value] of content.scalars) {
      writer.tag(SUMMARY.value, WireType.LengthDelimited).fork();
      writer.tag(VALUE.tag, WireType.LengthDelimited).string(tag);
      // Rounded here, because float() throws for numbers beyond float32, as the loss of a diverging run may be.
      writer.tag(VALUE.simpleValue, WireType.Bit32).float(Math.fround(value)).join();
    }
    writer.join();
  }
  return writer.finish();
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
