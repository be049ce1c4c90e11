// Groups the API reference by the rooms of lib/: the folder of its source file decides the category of an export.
import {relative, resolve} from 'node:path';
import {Comment, CommentTag, Converter, ReflectionKind} from 'typedoc';

/** The category of each room, and what one does with it. A second room of a category has no sentence of its own. */
const ROOMS = {
  model: ['Models', 'Build a network, load its weights, find objects on images, save it.'],
  onnx: ['ONNX', 'Write a network as a file that runs in browsers and anywhere: see the guide on ONNX.'],
  'onnx-runtime': ['ONNX'],
  serve: ['Server', 'Answer requests over HTTP: see the guide "A server".'],
  tiles: ['Large images', 'Find the objects of images that are larger than the network takes, tile by tile.'],
  datasets: ['Data sets', 'Open annotated images, check them, split them, or bring a data set of your own.'],
  export: ['Data sets'],
  augment: ['Augmentation', 'Vary the training images: choose a preset, combine functions, or write your own.'],
  train: ['Training', 'Fine-tune a network and follow its course.'],
  distributed: ['Training'],
  evaluation: ['Evaluation', "Score a network or another program's results against ground truth."],
  report: ['Reports', 'Write a run as an HTML page, and an evaluation as tables and pictures.'],
  draw: ['Drawing', 'Draw objects over images, and curves and confusion matrices as SVG or PNG.'],
  run: ['Records of a run', 'Read what a run recorded, and draw its curves.'],
  measure: ['Measurements', 'Measure objects, and write tables of them.'],
  masks: ['Masks', 'Encode, decode, merge and compare run-length encoded masks, as pycocotools does.'],
  image: ['Images', 'Read images and masks of any supported format into pixels.'],
  weights: ['Models'],
  basics: ['Errors and random numbers', 'Tell errors apart by their code; draw seeded random numbers.'],
};

export function load(app) {
  const rooms = new Map();
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    if (reflection.parent?.parent !== context.project) return; // the parent is what is imported
    const file = context.getSymbolFromReflection(reflection)?.declarations?.[0]?.getSourceFile().fileName;
    const [folder, room] = relative(resolve('.'), file ?? '').split(/[\\/]/);
    rooms.set(reflection, folder === 'lib' ? room : 'model'); // binding.d.ts declares what models take and give
  });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({project}) => {
    for (const [reflection, room] of rooms) {
      const category = ROOMS[room]?.[0];
      if (category === undefined) app.logger.warn(`docs/typedoc-rooms.js has no category for lib/${room}.`);
      for (const part of [reflection, ...(reflection.signatures ?? [])]) {
        if (part.kindOf(ReflectionKind.SomeSignature) && part === reflection) continue;
        part.comment ??= new Comment();
        part.comment.blockTags.push(new CommentTag('@category', [{kind: 'text', text: category ?? room}]));
      }
    }
    const [main] = project.children;
    main.comment ??= new Comment();
    for (const [name, sentence] of Object.values(ROOMS)) {
      if (sentence === undefined) continue;
      main.comment.blockTags.push(
        new CommentTag('@categoryDescription', [{kind: 'text', text: `${name}\n${sentence}`}]),
      );
    }
  });
}
