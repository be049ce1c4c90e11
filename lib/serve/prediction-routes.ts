import type {FastifyInstance, FastifyRequest} from 'fastify';
import type {Schema} from '../basics/schema.js';
import {encodePicture} from '../draw/picture-format.js';
import {discard} from '../image/discard.js';
import {chooseFormat, makeAnswer} from './answers.js';
import {dispose, type Found, find} from './find.js';
import {chooseModel} from './models.js';
import type {AppParts} from './parts.js';
import {readUpload} from './predictions.js';
import {Problem} from './problem.js';
import {READING_OPTIONS, REQUEST_OPTIONS, readRequestOptions} from './request-options.js';
import {readUploads} from './uploads.js';

/** `POST /predict` and `POST /image`. */
export function addPredictionRoutes(app: FastifyInstance, {models, queue, metrics, limits}: AppParts): void {
  const read = async (request: FastifyRequest, schema: Schema) => {
    const {images, fields} = await readUploads(request, limits);
    const given = {...(request.query as Record<string, string | string[]>), ...fields};
    const options = readRequestOptions(given, {schema, where: `POST ${request.routeOptions.url}`});
    const [first] = images;
    if (images.length === 1 && first !== undefined && options.name !== undefined) first.name = options.name;
    return {images, options, served: chooseModel(models, options.model)};
  };

  app.post('/predict', {config: {isGuarded: true, isWork: true}}, async (request, reply) => {
    const {images, options, served} = await read(request, REQUEST_OPTIONS);
    const {name, model} = served;
    const hasMasks = model.options.masks !== 'none';
    const format = chooseFormat(options, request.headers.accept, {images: images.length, hasMasks});
    const {gone: signal} = request;
    const asked = performance.now();
    const answer = await queue.run(async () => {
      metrics.queueSeconds.observe((performance.now() - asked) / 1000);
      const found: Found[] = [];
      try {
        for (const upload of images) {
          const one = await find(upload, {model, options, format, limits, signal});
          found.push(one);
          metrics.predictSeconds.observe({model: name}, one.seconds);
          metrics.images.inc({model: name});
          metrics.objects.inc({model: name}, one.detections.scores.length);
        }
        return await makeAnswer(format, found, {model: name, classes: model.classes, options});
      } finally {
        await Promise.all(found.map(dispose)); // each, also if one fails
      }
    }, signal);
    return reply.header('vary', 'accept').type(answer.type).send(answer.body);
  });

  app.post('/image', {config: {isGuarded: true, isWork: true}}, async (request, reply) => {
    const {images, options, served} = await read(request, READING_OPTIONS);
    if (images.length > 1) {
      throw new Problem(413, 'TOO_MANY_IMAGES', `POST /image takes one image, got ${images.length}.`);
    }
    const picture = await queue.run(async () => {
      const pixels = await readUpload(images[0]!, {model: served.model, options, limits});
      return encodePicture(pixels, [], {}).finally(() => discard(pixels.data));
    }, request.gone);
    return reply.type('image/png').send(picture);
  });
}
