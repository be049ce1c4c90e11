import {distanceToBorder} from './distance.js';
import {forEachInside, type Gland, type Layout, randomOutline} from './layout.js';
import {cellNoise, fractalNoise, valueNoise} from './noise.js';
import {between, type Random} from './random.js';

/** The amount of each dye in a pixel: haematoxylin (blue, nuclei) and eosin (pink, the rest). 0 is clear glass. */
export type Tissue = {width: number; height: number; haematoxylin: Float32Array; eosin: Float32Array};

type Ellipse = {x: number; y: number; along: number; across: number; angle: number};

/** Fills a layout with tissue: first the stroma with its look-alikes of glands, then the glands. */
export function growTissue(random: Random, layout: Layout): Tissue {
  const {width, height, ids} = layout;
  const tissue = {
    width,
    height,
    haematoxylin: new Float32Array(width * height),
    eosin: new Float32Array(width * height),
  };
  const border = distanceToBorder(ids, width, height);
  layFibres(random, tissue, layout, border);
  openHoles(random, tissue, ids);
  scatterNuclei(random, tissue, ids, border);
  fillGlands(random, tissue, layout, border);
  lineGlands(random, tissue, layout, border);
  return tissue;
}

/**
 * Wavy pink fibres, loose in places. Some images have a pale cleft where the stroma has shrunk away from the glands.
 */
function layFibres(random: Random, tissue: Tissue, {ids}: Layout, border: Float32Array): void {
  const seed = Math.floor(random() * 1e6);
  const bend = fractalNoise(seed, 2);
  const fibres = fractalNoise(seed + 7, 4);
  const loose = fractalNoise(seed + 13, 3);
  const angle = between(random, 0, Math.PI);
  const looseness = between(random, 0.25, 0.5);
  const cleft = random() < 0.35 ? between(random, 1, 4) : 0;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  for (let y = 0, index = 0; y < tissue.height; y++) {
    for (let x = 0; x < tissue.width; x++, index++) {
      if (ids[index] !== 0) continue;
      const wave = 14 * bend(x / 40, y / 40);
      const fibre = fibres((x * cos + y * sin) / 22, (y * cos - x * sin + wave) / 5);
      const openness = loose(x / 18, y / 18);
      const density = openness < looseness ? 0.35 + 0.65 * (openness / looseness) ** 2 : 1;
      const shrunk = border[index]! < cleft * 2 * openness ? 0.15 : 1;
      tissue.eosin[index] = (0.15 + 1.1 * fibre ** 1.5) * density * shrunk;
      tissue.haematoxylin[index] = (0.04 + 0.22 * openness * fibre) * density * shrunk;
    }
  }
}

/**
 * White holes that are not glands: tears, and vessels, some with red cells. They have a thin wall and no epithelium.
 */
function openHoles(random: Random, tissue: Tissue, ids: Uint8Array): void {
  const {width, height, haematoxylin, eosin} = tissue;
  const holes = Math.floor(between(random, 0, 5));
  for (let hole = 0; hole < holes; hole++) {
    const radius = between(random, 4, 13);
    const outline = randomOutline(
      random,
      between(random, 0, width),
      between(random, 0, height),
      radius,
      between(random, 1, 2.5),
    );
    const blood = random() < 0.35 ? cellNoise(Math.floor(random() * 1e6)) : undefined;
    forEachInside(outline, width, height, (index, depth) => {
      if (ids[index] !== 0) return;
      const wall = depth > 1 - 1.5 / radius;
      const cell = blood && blood((index % width) / 3, Math.floor(index / width) / 3) > 0.1 ? 0.9 : 0.04;
      eosin[index] = wall ? 0.55 : cell;
      haematoxylin[index] = wall ? 0.3 : 0.03;
    });
  }
}

/**
 * Spindle-shaped nuclei along the fibres and round nuclei of immune cells. Some of these are packed into a follicle,
 * which is as dark and round as a gland but is not one.
 */
function scatterNuclei(random: Random, tissue: Tissue, ids: Uint8Array, border: Float32Array): void {
  const {width, height} = tissue;
  const crowding = fractalNoise(Math.floor(random() * 1e6), 2);
  const density = between(random, 0.01, 0.04);
  const follicle = {x: between(random, 0, width), y: between(random, 0, height), radius: between(random, -10, 22)};
  const roundShare = between(random, 0.2, 0.9);
  const angle = between(random, 0, Math.PI);
  const darkness = between(random, 0.8, 1.5);
  for (let count = 0; count < 0.12 * width * height; count++) {
    const x = between(random, 0, width);
    const y = between(random, 0, height);
    const index = Math.floor(y) * width + Math.floor(x);
    if (ids[index] !== 0 || border[index]! < 1.2) continue;
    const inFollicle = Math.hypot(x - follicle.x, y - follicle.y) < follicle.radius * (0.6 + crowding(x / 9, y / 9));
    const crowd = inFollicle ? 0.12 : density * 2.2 * crowding(x / 28, y / 28) ** 2;
    if (random() * 0.12 > crowd) continue;
    const round = inFollicle || random() < roundShare;
    stainNucleus(
      tissue,
      {
        x,
        y,
        along: round ? between(random, 1, 1.6) : between(random, 1.8, 3.2),
        across: round ? between(random, 1, 1.4) : between(random, 0.6, 1),
        angle: angle + between(random, -0.6, 0.6),
      },
      darkness * between(random, 0.75, 1.2),
    );
  }
}

/** Cytoplasm, goblet cells and lumen: everything in a gland except its nuclei. */
function fillGlands(random: Random, tissue: Tissue, {glands, ids}: Layout, border: Float32Array): void {
  const seed = Math.floor(random() * 1e6);
  const grain = fractalNoise(seed, 3);
  const debris = fractalNoise(seed + 3, 4);
  const cells = cellNoise(seed + 5);
  const edge = valueNoise(seed + 9);
  const cellSize = between(random, 5, 8);
  const debrisLevel = between(random, 0.45, 0.75);
  for (let y = 0, index = 0; y < tissue.height; y++) {
    for (let x = 0; x < tissue.width; x++, index++) {
      const gland = glands[ids[index]! - 1];
      if (!gland) continue;
      const depth = border[index]!;
      const texture = grain(x / 6, y / 6);
      let h = 0.2 + 0.3 * texture;
      let e = 0.2 + 0.4 * texture;
      if (gland.kind === 'crowded') {
        h += 0.15;
        e += 0.1;
      }
      if (gland.kind === 'goblet' && depth > 3.2) {
        const mucin = Math.min(1, 6 * Math.max(0, cells(x / cellSize, y / cellSize) - 0.05));
        h = h * (1 - mucin) + 0.08 * mucin;
        e = e * (1 - mucin) + 0.08 * mucin;
      }
      if (depth > gland.wall * (0.75 + 0.5 * edge(x / 5, y / 5))) {
        const clump = Math.max(0, debris(x / 9, y / 9) - debrisLevel) * 2.5;
        h = 0.03 + clump;
        e = 0.05 + 1.5 * clump;
      }
      tissue.haematoxylin[index] = h;
      tissue.eosin[index] = e;
    }
  }
}

/** Nuclei of the epithelium: one row along the border, at right angles to it. Crowded glands are filled with nuclei. */
function lineGlands(random: Random, tissue: Tissue, {glands, ids}: Layout, border: Float32Array): void {
  const {width, height} = tissue;
  const darkness = between(random, 0.9, 1.6);
  const taken = new Uint8Array(width * height);
  const candidates = Math.round(0.9 * width * height);
  for (let count = 0; count < candidates; count++) {
    const x = between(random, 2, width - 2);
    const y = between(random, 2, height - 2);
    const index = Math.floor(y) * width + Math.floor(x);
    const gland = glands[ids[index]! - 1];
    if (!gland || taken[index] || !isNuclearDepth(gland, border[index]!)) continue;
    const size = gland.kind === 'crowded' ? 1.2 : 1;
    // The distance grows towards the inside of the gland, so cells are aligned with its gradient.
    const angle = Math.atan2(border[index + width]! - border[index - width]!, border[index + 1]! - border[index - 1]!);
    stainNucleus(
      tissue,
      {
        x,
        y,
        along: size * between(random, 1.3, 2.1),
        across: size * between(random, 0.8, 1.2),
        angle: angle + between(random, -0.4, 0.4),
      },
      darkness * between(random, 0.65, 1.2),
    );
    for (let dy = -1; dy <= 1; dy++) taken.fill(1, index + dy * width - 1, index + dy * width + 2);
    if (gland.kind === 'crowded') taken.fill(1, index - 2, index + 3);
  }
}

function isNuclearDepth(gland: Gland, depth: number): boolean {
  return depth > 0.8 && depth < (gland.kind === 'crowded' ? 0.8 * gland.wall : 3.4);
}

/** A dark ellipse with soft edges. Semi-axes are in pixels. */
function stainNucleus(tissue: Tissue, {x, y, along, across, angle}: Ellipse, darkness: number): void {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const reach = Math.ceil(1.45 * Math.max(along, across)); // where the coverage has fallen to 0
  for (let row = Math.max(0, Math.floor(y) - reach); row <= Math.min(tissue.height - 1, y + reach); row++) {
    for (let column = Math.max(0, Math.floor(x) - reach); column <= Math.min(tissue.width - 1, x + reach); column++) {
      const dx = column + 0.5 - x;
      const dy = row + 0.5 - y;
      const radius = Math.sqrt(((dx * cos + dy * sin) / along) ** 2 + ((dy * cos - dx * sin) / across) ** 2);
      const cover = Math.min(1, Math.max(0, 1.6 - 1.1 * radius));
      const index = row * tissue.width + column;
      tissue.haematoxylin[index]! += cover * Math.max(0, darkness - tissue.haematoxylin[index]!);
      tissue.eosin[index]! += 0.5 * cover * (0.4 - tissue.eosin[index]!);
    }
  }
}
