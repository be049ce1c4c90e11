import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {tiles} from '../../lib/index.js';
import {runPython} from '../image/regions/regions.js';
import {pythonHas} from '../python.js';
import {scenes, writers} from './scenes.js';

/** Scenes that are drawn and compared. */
const SCENES = 30;

/** Compares each tile's masks with pieces of pycocotools' masks of the whole image. Prints how many there are. */
const SCRIPT = `
import json
from pycocotools.coco import COCO
from pycocotools import mask
import contextlib, io
compared = 0
for number, tiles in enumerate(json.load(open('tiles.json'))):
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(f'{number}/a.json')
    whole = {i: coco.annToMask(a) for i, a in coco.anns.items()}
    for tile in tiles:
        x, y, w, h = tile['rect']
        pieces = [m[y:y + h, x:x + w] for m in whole.values()]
        expected = sorted(mask.encode(p.copy(order='F'))['counts'].decode() for p in pieces if p.any())
        assert sorted(tile['counts']) == expected, (number, tile, expected)
        compared += len(expected)
print(json.dumps(compared))
`;

const run = pythonHas(['pycocotools', 'numpy'], 'masks of tiles that pycocotools makes') ? test : test.skip;

run('masks of tiles are pieces of the masks that pycocotools makes of the whole image', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-tiles-'));
  t.teardown(() => rm(folder, {recursive: true, force: true}));
  const all: object[] = [];
  for (const [number, scene] of fc.sample(scenes, {numRuns: SCENES, seed: 8}).entries()) {
    const data = await writers.COCO!(join(folder, `${number}`), scene);
    const tiled = await tiles(data, {size: 32, overlap: 5, minVisible: 0});
    const found: object[] = [];
    for (let index = 0; index < tiled.length; index++) {
      const {left, top, width, height} = tiled.place(index);
      const counts = (await tiled.truth(index)).map(({mask}) => mask!.counts);
      found.push({rect: [left, top, width, height], counts});
    }
    all.push(found);
  }
  await writeFile(join(folder, 'tiles.json'), JSON.stringify(all));
  const compared = runPython(folder, SCRIPT) as number;
  t.log(`${compared} masks`);
  t.true(compared > SCENES);
});
