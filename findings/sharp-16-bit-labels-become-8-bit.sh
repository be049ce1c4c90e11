#!/usr/bin/env bash
# sharp says that a PNG has 16 bits, and hands out the upper 8.
#
# One would guess: metadata() says "ushort", stats() gives a largest value of
# 1806, PNG loses nothing, so PNG to PNG keeps the numbers. So does
# raw({ depth: "ushort" }), for that asks for 16 bits.
#
# What really happens: without a named colour space the pipeline ends in 8-bit
# sRGB. Each number is divided by 256 and cut, and one channel becomes three:
# 0..255 are 0, 256..511 are 1. raw({ depth: "ushort" }) widens the type after
# that and gives 0 and 1 in 16 bits. png({ bitdepth: 16 }) changes nothing.
# toColourspace("grey16") is needed, on each pipeline, for PNG and for raw.
# stats() does not take this way: what it tells is not what one gets.
#
# Why a user of an instance-segmentation tool cares: 16-bit label images (cells,
# Cityscapes, depth) lose their first 255 objects in any step with sharp, a
# crop or a resize included. A 12-bit camera's 152..1806 becomes 0..7: black.
#
# Versions: sharp 0.35.5 (libvips 8.18.7), fast-png 8.0.0. Needs Node 20.9+.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --prefix "$dir" \
  sharp@0.35.5 fast-png@8.0.0

cat > "$dir/run.mjs" <<'JS'
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {decode, encode} from 'fast-png';
import sharp from 'sharp';

const {version} = JSON.parse(readFileSync('node_modules/fast-png/package.json'));
console.log('sharp', sharp.versions.sharp, 'libvips', sharp.versions.vips,
  'fast-png', version, 'node', process.version);

const labels = [0, 1, 152, 255, 256, 300, 511, 512, 1806];
const png = Buffer.from(encode({
  width: labels.length, height: 1, channels: 1, depth: 16,
  data: Uint16Array.from(labels),
}));
assert.deepEqual([...decode(png).data], labels);

const {depth, space, channels} = await sharp(png).metadata();
const {max} = (await sharp(png).stats()).channels[0];
console.log('metadata:', depth, space, channels, 'channel; stats: largest', max);
assert.deepEqual([depth, space, channels, max], ['ushort', 'grey16', 1, 1806]);

const upper = labels.map(label => label >> 8);
const inColour = upper.flatMap(value => [value, value, value]);

const show = (name, bits, channels, data) => {
  console.log(`${name}: ${bits} bits, ${channels} channels:`, data
    .filter((_, index) => index % channels === 0).join(' '));
};

for (const options of [{}, {bitdepth: 16}]) {
  const out = decode(await sharp(png).png(options).toBuffer());
  show(`png(${JSON.stringify(options)})`, out.depth, out.channels, out.data);
  assert.deepEqual([out.depth, out.channels], [8, 3]);
  assert.deepEqual([...out.data], inColour);
}

const raw = async pipeline => {
  const {data, info} = await pipeline.raw({depth: 'ushort'})
    .toBuffer({resolveWithObject: true});
  const values = new Uint16Array(new Uint8Array(data).buffer);
  show('raw, ushort', 16, info.channels, values);
  return [...values];
};

assert.deepEqual(await raw(sharp(png)), inColour);
assert.deepEqual(await raw(sharp(png).toColourspace('grey16')), labels);
const kept = decode(await sharp(png).toColourspace('grey16').png().toBuffer());
show('png with grey16', kept.depth, kept.channels, kept.data);
assert.deepEqual([...kept.data], labels);
console.log('As stated.');
JS
node "$dir/run.mjs"
