import {between, pick, type Random} from './random.js';

/**
 * The inner structure of a gland: mucin-filled cells; a thin wall around a wide lumen; or many layers of dark nuclei.
 */
export type GlandKind = 'goblet' | 'ring' | 'crowded';

/** An ellipse whose radius is modulated by harmonics. Lengths are in pixels. */
export type Outline = {
  x: number;
  y: number;
  longAxis: number;
  shortAxis: number;
  angle: number;
  /** Relative amplitude of the radius at 2, 3, ... waves around the outline. */
  harmonics: {strength: number; phase: number}[];
};

export type Gland = Outline & {
  kind: GlandKind;
  /** Thickness of the epithelium in pixels. */
  wall: number;
};

/** The gland that each pixel belongs to (0: none, i + 1: `glands[i]`), in row-major order. */
export type Layout = {width: number; height: number; glands: Gland[]; ids: Uint8Array};

/** 0 at the centre of the outline, 1 on its edge, above 1 outside. */
export function relativeRadius(outline: Outline, x: number, y: number): number {
  const dx = x - outline.x;
  const dy = y - outline.y;
  const cos = Math.cos(outline.angle);
  const sin = Math.sin(outline.angle);
  const u = (dx * cos + dy * sin) / outline.longAxis;
  const v = (dy * cos - dx * sin) / outline.shortAxis;
  const theta = Math.atan2(v, u);
  let edge = 1;
  let waves = 2;
  for (const {strength, phase} of outline.harmonics) edge += strength * Math.cos(waves++ * theta + phase);
  return Math.sqrt(u * u + v * v) / edge;
}

export function randomOutline(random: Random, x: number, y: number, radius: number, elongation: number): Outline {
  const roughness = between(random, 0.03, 0.1);
  return {
    x,
    y,
    longAxis: radius * Math.sqrt(elongation),
    shortAxis: radius / Math.sqrt(elongation),
    angle: between(random, 0, Math.PI),
    harmonics: Array.from({length: 5}, (_, index) => ({
      strength: (roughness * between(random, 0.3, 1.5)) / Math.sqrt(index + 1),
      phase: between(random, 0, 2 * Math.PI),
    })),
  };
}

/** Calls `visit` with every pixel inside the outline. */
export function forEachInside(
  outline: Outline,
  width: number,
  height: number,
  visit: (index: number, radius: number) => void,
): void {
  const swing = outline.harmonics.reduce((sum, {strength}) => sum + strength, 1);
  // Half the width and height of the rotated ellipse's bounding box.
  const reachX =
    swing * Math.hypot(outline.longAxis * Math.cos(outline.angle), outline.shortAxis * Math.sin(outline.angle));
  const reachY =
    swing * Math.hypot(outline.longAxis * Math.sin(outline.angle), outline.shortAxis * Math.cos(outline.angle));
  for (let y = Math.max(0, Math.floor(outline.y - reachY)); y <= Math.min(height - 1, outline.y + reachY); y++) {
    for (let x = Math.max(0, Math.floor(outline.x - reachX)); x <= Math.min(width - 1, outline.x + reachX); x++) {
      const radius = relativeRadius(outline, x, y);
      if (radius < 1) visit(y * width + x, radius);
    }
  }
}

/**
 * Places glands at random, with their centres at least `margin` pixels from the edges of the canvas. About half of them
 * are placed against an earlier gland, so that the two touch.
 */
export function layGlands(random: Random, width: number, height: number, margin: number): Layout {
  const ids = new Uint8Array(width * height);
  const depth = new Float32Array(width * height);
  const glands: Gland[] = [];
  // A biopsy shows glands of one kind, size and cut.
  const kind = pick<GlandKind>(random, ['goblet', 'ring', 'crowded']);
  const meanRadius = between(random, 16, 23);
  const elongation = pick(random, [1.1, 1.1, 1.3, 1.5]);
  const angle = between(random, 0, Math.PI);
  const wanted = Math.min(14, Math.round((between(random, 0.25, 0.45) * width * height) / (Math.PI * meanRadius ** 2)));

  for (let attempt = 0; attempt < 40 && glands.length < wanted; attempt++) {
    const radius = meanRadius * between(random, 0.8, 1.25);
    const neighbour = glands.length > 0 && random() < 0.5 ? pick(random, glands) : undefined;
    let x = between(random, margin, width - margin);
    let y = between(random, margin, height - margin);
    if (neighbour) {
      const direction = between(random, 0, 2 * Math.PI);
      const gap = radius + Math.sqrt(neighbour.longAxis * neighbour.shortAxis);
      x = neighbour.x + gap * Math.cos(direction);
      y = neighbour.y + gap * Math.sin(direction);
      if (x < margin || y < margin || x > width - margin || y > height - margin) continue;
    }
    const outline = randomOutline(random, x, y, radius, elongation * between(random, 0.95, 1.2));
    if (elongation > 1.3) outline.angle = angle + between(random, -0.35, 0.35);

    let area = 0;
    let overlap = 0;
    forEachInside(outline, width, height, (index) => {
      area++;
      if (ids[index] !== 0) overlap++;
    });
    if (overlap > 0.12 * area || area < 60) continue;

    const ownKind = random() < 0.15 ? pick<GlandKind>(random, ['goblet', 'ring', 'crowded']) : kind;
    const wall = ownKind === 'ring' ? between(random, 0.25, 0.4) : between(random, 0.45, 0.75);
    glands.push({...outline, kind: ownKind, wall: Math.max(4, wall * outline.shortAxis)});
    // Where two glands overlap, a pixel goes to the gland whose centre is relatively nearer, so they share a wall.
    forEachInside(outline, width, height, (index, ownDepth) => {
      if (ids[index] === 0 || ownDepth < depth[index]!) {
        ids[index] = glands.length;
        depth[index] = ownDepth;
      }
    });
  }
  return {width, height, glands, ids};
}
