import type {FastifyInstance, FastifyRequest} from 'fastify';
import {discard} from '../image/discard.js';
import {type LabelStudioBackend, labelStudioBackend} from '../label-studio/backend.js';
import type {ServedModel} from './models.js';
import type {AppParts} from './parts.js';
import {detect, readUpload} from './predictions.js';
import {Problem, problemOf} from './problem.js';

/** Where Label Studio finds the first model. All are at /label-studio/models/NAME, too. */
const PREFIX = '/label-studio';

const GUARDED = {config: {isGuarded: true}};
/** Label Studio waits 100 s for the images of all tasks that were chosen. */
const WORK = {config: {isGuarded: true, isWork: true, isPatient: true}};

/** The ML backend of Label Studio, for each model. */
export function addLabelStudioRoutes(app: FastifyInstance, parts: AppParts): void {
  if (parts.labelStudio === undefined) return;
  for (const [index, served] of [...parts.models.values()].entries()) {
    const backend = backendOf(served, parts, parts.labelStudio);
    const {onNotice} = parts;
    if (index === 0) addRoutes(app, {prefix: PREFIX, onNotice}, backend);
    addRoutes(app, {prefix: `${PREFIX}/models/${encodeURIComponent(served.name)}`, onNotice}, backend);
  }
}

function backendOf(
  {name, model, version}: ServedModel,
  {queue, limits, metrics, onNotice}: AppParts,
  {url, apiKey}: NonNullable<AppParts['labelStudio']>,
): LabelStudioBackend {
  return labelStudioBackend({
    name,
    version,
    classes: model.classes,
    url,
    apiKey,
    maxBytes: Math.floor(limits.maxMegabytes * 1e6),
    onNotice: (notice) => onNotice(named(notice)),
    detect: (bytes, {name: image, signal}) =>
      queue.run(async () => {
        const pixels = await readUpload({name: image, bytes}, {model, options: {}, limits});
        const found = await detect(pixels, {name: image, model, options: {}, limits, signal}).finally(() =>
          discard(pixels.data),
        );
        metrics.images.inc({model: name});
        metrics.objects.inc({model: name}, found.scores.length);
        return found;
      }, signal),
  });
}

/** `onNotice` is told of refusals: Label Studio shows its users nothing but their status. */
function addRoutes(
  app: FastifyInstance,
  {prefix, onNotice}: {prefix: string; onNotice: AppParts['onNotice']},
  backend: LabelStudioBackend,
): void {
  const telling = (answer: (request: FastifyRequest) => Promise<object>) => async (request: FastifyRequest) =>
    answer(request).catch((error: unknown) => {
      const problem = problemOf(error);
      if (problem !== undefined) onNotice(named([problem.message, problem.hint].filter(Boolean).join(' ')));
      throw error;
    });
  // Label Studio asks for the root when a backend is connected.
  for (const path of ['', '/', '/health']) app.get(`${prefix}${path}`, GUARDED, async () => backend.health());
  for (const method of ['GET', 'POST'] as const) {
    app.route({method, url: `${prefix}/versions`, ...GUARDED, handler: async () => backend.versions()});
  }
  app.post(
    `${prefix}/setup`,
    GUARDED,
    telling(async (request) => backend.setup(jsonOf(request))),
  );
  app.post(
    `${prefix}/webhook`,
    GUARDED,
    telling(async (request) => backend.webhook(jsonOf(request))),
  );
  app.post(
    `${prefix}/predict`,
    WORK,
    telling(async (request) => backend.predict(jsonOf(request), request.gone)),
  );
}

/** A sentence that says whom it is about. Some do already. */
function named(notice: string): string {
  return notice.startsWith('Label Studio') ? notice : `Label Studio: ${notice}`;
}

/** The body as JSON. Throws BAD_REQUEST. */
function jsonOf({body}: FastifyRequest): unknown {
  try {
    return JSON.parse(Buffer.isBuffer(body) ? body.toString() : '');
  } catch (cause) {
    throw new Problem(400, 'BAD_REQUEST', 'The body of the request must be JSON.', {
      hint: `${(cause as Error).message}.`,
    });
  }
}
