import test from 'ava';
import {countsCsv, encodeRle, measure, objectsCsv} from '../../lib/index.js';
import {drawn} from '../masks/random-masks.js';

const {pixels, width, height} = drawn('.....', '.###.', '.....');

async function objectsOf(classNames: string[], image?: Uint8Array, micronsPerPixel?: number) {
  const mask = await encodeRle(pixels, width, height);
  const empty = await encodeRle(new Uint8Array(width * height), width, height);
  const found = {
    width,
    height,
    boxes: new Float32Array(4 * classNames.length),
    labels: new Int32Array(classNames.length),
    classNames,
    scores: Float32Array.from(classNames, () => 0.5),
    masks: classNames.map((_, index) => (index === 0 ? mask : empty)),
  };
  const options = micronsPerPixel === undefined ? {} : {micronsPerPixel};
  return measure(image && {data: image, width, height}, found, options);
}

test('a line for each object, quoted, empty where nothing is measured', async (t) => {
  const csv = await objectsCsv([
    {image: 'a "1",.png', objects: await objectsOf(['cell, round', 'two\nlines'])},
    {image: 'none.png', objects: []},
  ]);
  const [header, first, second, ...rest] = csv.split('\r\n');
  const columns = header!.split(',');
  t.is(
    header,
    'image,id,class,score,area,area_convex,perimeter,centroid-0,centroid-1,bbox-0,bbox-1,bbox-2,bbox-3,' +
      'axis_major_length,axis_minor_length,orientation,eccentricity,solidity,extent,feret_diameter_max,' +
      'equivalent_diameter_area,euler_number,parts,holes,touches_border',
  );
  const major = 4 * Math.sqrt(8 / 12);
  t.true(first!.startsWith(`"a ""1"",.png",1,"cell, round",0.5,3,3,1,1,2,1,1,2,4,${major},0,${Math.PI / 2},1,1,1,3,`));
  t.is(second, `"a ""1"",.png",2,"two\nlines",0.5,0${','.repeat(columns.length - 8)}0,0,0,0`);
  t.deepEqual(rest, ['']);
});

test('columns for the channels and for µm, if any object has them', async (t) => {
  const image = Uint8Array.from({length: 30}, (_, i) => i);
  const plain = await objectsOf(['a']);
  const csv = await objectsCsv([
    {image: 'a', objects: plain},
    {image: 'b', objects: await objectsOf(['a'], image, 2)},
  ]);
  const [header, first, second] = csv.split('\r\n').map((line) => line.split(','));
  t.deepEqual(header!.slice(25, 33), [
    ...['intensity_mean-0', 'intensity_mean-1', 'intensity_std-0', 'intensity_std-1'],
    ...['intensity_min-0', 'intensity_min-1', 'intensity_max-0', 'intensity_max-1'],
  ]);
  t.is(header!.length, 25 + 8 + 13);
  t.deepEqual(first!.slice(25), Array(21).fill(''));
  t.is(second![header!.indexOf('intensity_max-1')], '17');
  t.is(second![header!.indexOf('area_um2')], '12');
  t.is(second![header!.indexOf('bbox-3_um')], '8');
  t.is((await objectsCsv([])).split('\r\n')[0]!.split(',').length, 23);
});

test('the number of objects of every class on every image, 0 too', async (t) => {
  const images = [
    {image: 'a.png', objects: await objectsOf(['b', 'a,"x"', 'b'])},
    {image: 'c.png', objects: []},
  ];
  t.is(
    countsCsv(images, ['a,"x"', 'b']),
    'image,class,count\r\na.png,"a,""x""",1\r\na.png,b,2\r\nc.png,"a,""x""",0\r\nc.png,b,0\r\n',
  );
  t.is(countsCsv([], ['a']), 'image,class,count\r\n');
});
