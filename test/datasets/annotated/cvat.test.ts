import {join} from 'node:path';
import test from 'ava';
import {cvat} from '../../../lib/datasets/annotated/readers/cvat.js';
import type {AnnotatedImages, Instance, MaskRcnnError} from '../../../lib/index.js';
import {folderOf, realExport} from './folders.js';
import {openWith} from './open-with.js';

/** The file that CVAT writes for a task with these labels. */
const xml = (images: string, labels: readonly string[] = []) => `<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <id>1</id>
      <name>a task</name>
      <labels>${labels.map(label).join('')}</labels>
      <owner><username>someone</username></owner>
    </task>
    <dumped>2026-01-01</dumped>
  </meta>
${images}
</annotations>
`;

const label = (name: string) => `
        <label>
          <name>${name}</name>
          <color>#2c70f8</color>
          <type>any</type>
          <attributes><attribute><name>size</name><values>1</values></attribute></attributes>
        </label>`;

const image = (shapes: string, name = 'a.png', more = '') =>
  `  <image id="0" name="${name}" ${more} width="40" height="30">\n${shapes}\n  </image>`;

const polygon = (points: string, name = 'cell') =>
  `    <polygon label="${name}" source="manual" occluded="0" points="${points}" z_order="0"></polygon>`;

const square = polygon('1.00,1.00;5.00,1.00;5.00,4.00;1.00,4.00');

async function truth(data: AnnotatedImages, index = 0): Promise<[string, number][]> {
  return (await data.truth(index)).map(({label, area}) => [data.classes[label - 1]!, toThousandths(area)]);
}

const toThousandths = (value: number) => Math.round(value * 1000) / 1000;

function isSet({mask}: Instance, x: number, y: number): boolean {
  return mask!.data[(y - mask!.top) * mask!.width + (x - mask!.left)] === 1;
}

test('polygons, masks, ellipses and boxes are objects; other shapes are counted and left out', async (t) => {
  const shapes = `${square}
    <mask label="b" source="auto" occluded="0" rle="1, 3, 2" left="3" top="4" width="3" height="2" z_order="1">
      <attribute name="size">1</attribute>
    </mask>
    <mask label="b" rle="0, 4" left="38" top="28" width="2" height="2"/>
    <ellipse label="a &amp; b" cx="20.00" cy="15.00" rx="10.00" ry="4.00" rotation="30.00" group_id="1"></ellipse>
    <ellipse label="cell" cx="10" cy="10" rx="4.2" ry="4.2" group_id="1"></ellipse>
    <box label="cell" xtl="1.00" ytl="2.00" xbr="3.00" ybr="4.00" rotation="10.00"></box>
    <polyline label="cell" points="1,1;2,2"></polyline>
    <points label="cell" points="1,1"></points>
    <cuboid label="cell" xtl1="1" ytl1="1"></cuboid>
    <skeleton label="man"><points label="head" points="1,2"></points><polygon label="hand" points="1,2;3,4;5,0"/></skeleton>
    <tag label="good"></tag>`;
  const path = await folderOf(t, {'annotations.xml': xml(image(shapes)), 'a.png': '40x30'});
  const data = await openWith(cvat, path);
  t.deepEqual(data.classes, ['a & b', 'b', 'cell']);
  // As pycocotools fills the polygons of 128 corners: by their centres, the pixels of the turned ellipse are 126.
  t.deepEqual(await truth(data), [
    ['cell', 12],
    ['b', 3],
    ['b', 4],
    ['a & b', 124],
    ['cell', 52],
    ['cell', 5.368],
  ]);
  t.is(data.summary, 'CVAT: 1 image, 1 polygon, 2 masks, 2 ellipses, 1 box, 3 classes');
  t.deepEqual(data.stats.skipped, {polyline: 1, points: 1, cuboid: 1, skeleton: 1, tag: 1});
  const {instances} = await data.get(0);
  t.deepEqual(instances[1]!.mask, {left: 3, top: 4, width: 3, height: 2, data: Uint8Array.of(0, 1, 1, 1, 0, 0)});
  // Degrees turn clockwise on the screen.
  t.deepEqual(instances[3]!.box, [11, 9, 29, 21]);
  t.true(isSet(instances[3]!, 24, 20));
  t.false(isSet(instances[3]!, 24, 10));
  // A square of side 2 that is turned by 10° around its centre: no more is known than the box around it.
  const [box] = instances.slice(-1);
  t.false('mask' in box!);
  t.deepEqual(box!.box.map(toThousandths), [0.842, 1.842, 3.158, 4.158]);
  t.is(data.masks, 'some');
});

test('a mask may reach over the border of the image', async (t) => {
  const shapes = '<mask label="b" rle="0,12" left="-1" top="28" width="3" height="4"/>';
  const path = await folderOf(t, {'annotations.xml': xml(image(shapes)), 'a.png': '40x30'});
  t.deepEqual((await (await openWith(cvat, path)).truth(0))[0]!.box, [0, 28, 2, 2]);
});

test('classes are the labels in their order, then others that occur', async (t) => {
  const parts = '<label><name>head</name><type>points</type><parent>man</parent></label>';
  const text = xml(image(`${square}${polygon('0,0;2,0;2,2;0,2', 'new')}`), ['z &lt; 1', 'cell', 'a']);
  const path = await folderOf(t, {'annotations.xml': text.replace('</labels>', `${parts}</labels>`), 'a.png': '40x30'});
  const data = await openWith(cvat, path);
  t.deepEqual(data.classes, ['z < 1', 'cell', 'a', 'new']);
  t.deepEqual(await truth(data), [
    ['cell', 12],
    ['new', 4],
  ]);
});

test('images without shapes are listed; images/, subsets and relative paths are found', async (t) => {
  const images = [
    image('', '1.png'),
    image('', '1.png', 'subset="Train"'),
    image('', 'b/1.png'),
    image('', 'c/3.png'),
    image('', 'd/9.png'),
    image('', 'frame_000000'),
  ];
  const files = ['1.png', 'Train/1.png', 'b/1.png', '3.png', 'frame_000000.PNG'];
  const content = xml(images.join('\n'), ['cell']);
  const inside = Object.fromEntries(files.map((name) => [`images/${name}`, 'x']));
  const path = await folderOf(t, {'annotations.xml': content, ...inside});
  const missing = 'd/9.png';
  const expected = [...files.slice(0, 4), missing, files[4]!];
  const data = await openWith(cvat, path);
  t.deepEqual(
    data.images.map(({file}) => file),
    expected.map((name) => join(path, 'images', name)),
  );
  t.deepEqual(await data.truth(0), []);
  t.deepEqual(await data.size(0), {width: 40, height: 30});
  t.deepEqual(data.sources(1), [join(path, 'images', 'Train/1.png'), join(path, 'annotations.xml')]);

  const beside = await folderOf(t, {
    'annotations.xml': content,
    ...Object.fromEntries(files.map((name) => [name, 'x'])),
  });
  const found = (await openWith(cvat, join(beside, 'annotations.xml'))).images.map(({file}) => file);
  t.deepEqual(
    found,
    expected.map((name) => join(beside, name)),
  );
  const given = await openWith(cvat, beside, {}, {images: join(path, 'images')});
  t.is(given.images[1]!.file, join(path, 'images', 'Train', '1.png'));

  const twice = await folderOf(t, {'a.xml': xml(`${image('')}${image('')}`, ['cell'])});
  await t.throwsAsync(openWith(cvat, twice), {code: 'INVALID_DATASET', message: /a\.png must be annotated once/});
});

test('only its own files are recognised, and only one of them is read', async (t) => {
  const voc = '<annotation><folder>x</folder><filename>a.png</filename><object><name>a</name></object></annotation>';
  const asap =
    '<?xml version="1.0"?><ASAP_Annotations><Annotations><Annotation Name="a"/></Annotations></ASAP_Annotations>';
  const path = await folderOf(t, {'a.xml': voc, 'b.xml': asap, 'c.xml': '<annotations><note/></annotations>'});
  await t.throwsAsync(openWith(cvat, path), {message: /is not recognised/});
  const both = await folderOf(t, {'a.xml': voc, 'b.xml': xml(image('')), 'c.xml': xml(image(''))});
  await t.throwsAsync(openWith(cvat, both), {
    code: 'INVALID_DATASET',
    message: /must have one XML file of CVAT, got b\.xml, c\.xml\.\nOpen one of these files\./,
  });
});

test('long files are read in pieces: text, entities and letters may lie across their borders', async (t) => {
  const name = 'Zelle &amp; Kern 細胞';
  const many = Array.from({length: 5000}, (_, i) => polygon(`${i % 30},1;${(i % 30) + 2},1;${(i % 30) + 2},4`, name));
  const path = await folderOf(t, {'a.xml': xml(image(many.join('\n')), [name]), 'a.png': '40x30'});
  const data = await openWith(cvat, path);
  t.deepEqual(data.stats.objects, {'Zelle & Kern 細胞': 5000});
  t.is((await data.truth(0)).length, 5000);
});

const mask = (attributes: string) => xml(image(`<mask label="b" ${attributes}/>`));
const ellipse = (attributes: string) => xml(image(`<ellipse label="b" ${attributes}/>`));
for (const [what, content, message] of [
  [
    'that is cut off',
    xml(image(square)).slice(0, -40),
    /must be an XML file: unclosed tag: image, in line \d+, column \d+/,
  ],
  [
    'with a wrong end',
    xml('<image name="a.png" width="4" height="3"></annotation>'),
    /unexpected close tag, in line 13, column \d+/,
  ],
  [
    'of a video',
    xml('<track id="0" label="a"><box frame="0" xtl="1"/></track>'),
    /must be a file of 'CVAT for images 1\.1', got tracks.*\nExport the task from CVAT as 'CVAT for images 1\.1'\./,
  ],
  ['with another root', `<x>${xml('')}</x>`.replace(/<\?.*\?>/, ''), /got <x>/],
  [
    'of an image without a name',
    xml('<image width="4" height="3"/>'),
    /'name' of <image> in line 13, column 7 must be given, got none/,
  ],
  ['of an image without a width', xml('<image name="a" height="3"/>'), /'width' of <image> .* must be given, got none/],
  [
    'of an image of no width',
    xml('<image name="a" width="0" height="3"/>'),
    /'width' of <image> .* must be 1 or more, got '0'/,
  ],
  ['of a broken width', xml('<image name="a" width="4.5" height="3"/>'), /must be a whole number, got '4\.5'/],
  [
    'of a huge image',
    xml('<image name="a" width="99999999" height="99999999"/>'),
    /'width' of <image> .* must be the width of an image, got '99999999'/,
  ],
  [
    'of a polygon without points',
    xml(image('<polygon label="a"/>')),
    /'points' of <polygon> in line 14, .* must be given/,
  ],
  ['of a polygon with half a point', xml(image(polygon('1,2;3'))), /must be points x,y;x,y;\.\.\., got '3' as point 2/],
  ['of a polygon with an empty point', xml(image(polygon('1,2;'))), /got '' as point 2/],
  ['of a polygon with text', xml(image(polygon('1,2;x,4'))), /got 'x,4' as point 2/],
  ['of a polygon in space', xml(image(polygon('1,2,3;4,5,6'))), /got '1,2,3' as point 1/],
  ['of an infinite polygon', xml(image(polygon('1,2;1e999,5'))), /got '1e999,5' as point 2/],
  ['without a label', xml(image('<polygon points="1,2;3,4;5,0"/>')), /'label' of <polygon> .* must be given, got none/],
  ['of a mask without runs', mask('left="0" top="0" width="2" height="2"'), /'rle' of <mask> .* must be given/],
  ['of a mask with text', mask('rle="1,x" left="0" top="0" width="2" height="2"'), /got 'x' as number 2/],
  [
    'of a mask with less than nothing',
    mask('rle="5,-1" left="0" top="0" width="2" height="2"'),
    /got '-1' as number 2/,
  ],
  [
    'of a mask with half a pixel',
    mask('rle="1.5,2.5" left="0" top="0" width="2" height="2"'),
    /got '1\.5' as number 1/,
  ],
  [
    'of a mask with a huge run',
    mask('rle="4294967297,3" left="0" top="0" width="2" height="2"'),
    /got '4294967297' as number 1/,
  ],
  [
    'of a mask that is too short',
    mask('rle="1,2" left="0" top="0" width="2" height="2"'),
    /'rle' of <mask> .* must be run lengths of 2 × 2 pixels, got those of 3 pixels/,
  ],
  ['of a mask without a place', mask('rle="4" top="0" width="2" height="2"'), /'left' of <mask> .* must be given/],
  [
    'of a mask of no height',
    mask('rle="0" left="0" top="0" width="2" height="0"'),
    /'height' of <mask> .* must be 1 or more/,
  ],
  [
    'of masks that fill the memory',
    mask('rle="4000000000" left="0" top="0" width="80000" height="50000"'),
    /'width' of <mask> .* must be such that the masks of the image have \d+ pixels together at most/,
  ],
  ['of an ellipse without a radius', ellipse('cx="1" cy="1" rx="2"'), /'ry' of <ellipse> .* must be given/],
  ['of an ellipse with text', ellipse('cx="1" cy="1" rx="2" ry="y"'), /must be a finite number, got 'y'/],
  [
    'of an ellipse with a wrong angle',
    ellipse('cx="1" cy="1" rx="2" ry="2" rotation="east"'),
    /'rotation' of .* got 'east'/,
  ],
  ['of nothing but levels', `<annotations><meta>${'<a>'.repeat(1000)}`, /must have 64 levels of tags at most/],
] as const) {
  test(`a file ${what} is an error that says where`, async (t) => {
    const path = await folderOf(t, {'a.xml': content});
    const error = await t.throwsAsync<MaskRcnnError>(openWith(cvat, path));
    t.is(error.code, 'INVALID_DATASET');
    t.regex(error.message, message);
    t.is(error.file, join(path, 'a.xml'));
  });
}

test('entities of the file itself are refused, so they cannot grow', async (t) => {
  const entities = [
    '<!ENTITY a "aaaaaaaaaa">',
    '<!ENTITY b "&a;&a;&a;&a;">',
    '<!ENTITY c SYSTEM "file:///etc/hostname">',
  ];
  for (const name of ['a', 'b', 'c']) {
    const content = xml(image(polygon('1,2;3,4;5,0', `&${name};`)));
    const path = await folderOf(t, {
      'a.xml': content.replace('<annotations>', `<!DOCTYPE x [${entities.join('')}]>$&`),
    });
    await t.throwsAsync(openWith(cvat, path), {
      code: 'INVALID_DATASET',
      message: /must be an XML file: undefined entity, in line 14, column \d+/,
    });
  }
});

test('a polygon of two points is told when its image is read', async (t) => {
  const path = await folderOf(t, {'a.xml': xml(image(`${square}${polygon('1,2;3,4')}`)), 'a.png': '40x30'});
  await t.throwsAsync((await openWith(cvat, path)).truth(0), {
    code: 'INVALID_MASK',
    message: /The shape of <polygon> in line 14, column \d+ must be made of three points or more, got 2, in .*a\.xml/,
  });
  const data = await openWith(cvat, path, {faulty: 'skip'});
  t.deepEqual(await truth(data), [['cell', 12]]);
  t.deepEqual(data.stats.skipped, {'with an invalid shape': 1});
});

test('a real export: polygons and brush masks of histology', async (t) => {
  const path = realExport(t, 'cvat');
  if (path === undefined) return;
  const data = await openWith(cvat, path);
  t.is(data.summary, 'CVAT: 6 images, 7 masks, 2 polygons, 3 classes');
  t.deepEqual(data.classes, ['benign', 'normal', 'abnormal']);
  t.deepEqual(data.stats.objects, {normal: 7, benign: 2});
  t.deepEqual(data.notices, []);
  // Areas and boxes by numpy and pycocotools.
  t.deepEqual(await truth(data), [
    ['normal', 126_479],
    ['benign', 101_092],
    ['benign', 57_669],
    ['normal', 121_651],
    ['normal', 192_299],
    ['normal', 122_363],
    ['normal', 86_109],
    ['normal', 75_998],
    ['normal', 105_084],
  ]);
  t.deepEqual((await data.truth(0))[0]!.box, [0, 719, 386, 361]);
  t.deepEqual((await data.truth(0))[8]!.box, [1414, 718, 492, 362]);
  for (const index of [1, 2, 3, 4, 5]) t.deepEqual(await data.truth(index), []);
  t.deepEqual(await data.size(5), {width: 1920, height: 1080});
  t.is(data.images[5]!.file, join(path, 'BH-08D.jpg'));
});

test("shapes of a group are one object of their class, as in CVAT's own export to COCO", async (t) => {
  const grouped = (points: string, group: number, name = 'cell') =>
    polygon(points, name).replace('z_order', `group_id="${group}" z_order`);
  const shapes = [
    grouped('1,1;5,1;5,4;1,4', 7),
    square,
    grouped('10,10;14,10;14,13;10,13', 7),
    grouped('20,20;24,20;24,23;20,23', 7, 'b'),
    grouped('30,20;34,20;34,23;30,23', 0),
    '<box label="cell" xtl="1" ytl="2" xbr="3" ybr="4" group_id="7"></box>',
  ];
  const path = await folderOf(t, {'annotations.xml': xml(image(shapes.join('\n'))), 'a.png': '40x30'});
  const data = await openWith(cvat, path);
  t.deepEqual(await truth(data), [
    ['cell', 24],
    ['cell', 12],
    ['b', 12],
    ['cell', 12],
    ['cell', 4],
  ]);
  t.deepEqual(data.stats.objects, {b: 1, cell: 4});
});
