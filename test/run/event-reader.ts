import {readFileSync} from 'node:fs';

export type ReadEvent = {
  wallTime: number;
  step: number;
  fileVersion?: string;
  sessionStart?: boolean;
  scalars: [tag: string, value: number][];
};

/**
 * Reads an event file by the specifications of TFRecord and protobuf. It shares no code with the writer, only the
 * checksum's formula.
 */
export function readEvents(path: string): ReadEvent[] {
  const file = readFileSync(path);
  const events: ReadEvent[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    check(file.subarray(at, at + 8), file.readUInt32LE(at + 8));
    const data = file.subarray(at + 12, at + 12 + length);
    if (data.length < length) throw new Error(`record of ${length} bytes is cut off`);
    check(data, file.readUInt32LE(at + 12 + length));
    events.push(readEvent(data));
    at += length + 16;
  }
  return events;
}

function readEvent(data: Buffer): ReadEvent {
  const event: ReadEvent = {wallTime: 0, step: 0, scalars: []};
  for (const [field, value] of fields(data)) {
    if (field === 1) event.wallTime = (value as Buffer).readDoubleLE();
    else if (field === 2) event.step = value as number;
    else if (field === 3) event.fileVersion = String(value);
    else if (field === 5) event.scalars = fields(value as Buffer).map(([, scalar]) => readScalar(scalar as Buffer));
    else if (field === 7) event.sessionStart = fields(value as Buffer)[0]![1] === 1;
    else throw new Error(`field ${field} of an event`);
  }
  return event;
}

function readScalar(data: Buffer): [string, number] {
  const [tag, value] = fields(data);
  if (tag![0] !== 1 || value![0] !== 2) throw new Error('a value is a tag and a number');
  return [String(tag![1]), (value![1] as Buffer).readFloatLE()];
}

/** Field numbers and values: numbers for varints, bytes for everything else. */
function fields(data: Buffer): [field: number, value: number | Buffer][] {
  const found: [number, number | Buffer][] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = data[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(value);
    }
  };
  const take = (length: number) => {
    at += length;
    return data.subarray(at - length, at);
  };
  while (at < data.length) {
    const key = varint();
    const type = key & 7;
    const value = type === 0 ? varint() : take(type === 1 ? 8 : type === 5 ? 4 : varint());
    found.push([key >> 3, value]);
  }
  return found;
}

/** Checks a masked CRC-32C, computed bit by bit. */
function check(data: Buffer, masked: number): void {
  let crc = ~0;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  const rotated = (masked - 0xa282ead8) >>> 0;
  const expected = ((rotated >>> 17) | (rotated << 15)) >>> 0;
  if (~crc >>> 0 !== expected) throw new Error('a checksum does not fit');
}
