import type {FastifyInstance, FastifyRequest} from 'fastify';
import {type LabelStudioBackend, labelStudioBackend} from '../label-studio/backend.js';
import type {ServedModel} from './models.js';
import type {AppParts} from './parts.js';
import {detect, readUpload} from './predictions.js';
import {Problem} from './problem.js';

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
    if (index === 0) addRoutes(app, PREFIX, backend);
    addRoutes(app, `${PREFIX}/models/${encodeURIComponent(served.name)}`, backend);
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
    onNotice: (notice) => onNotice(`Label Studio: ${notice}`),
    detect: (bytes, {name: image, signal}) =>
      queue.run(async () => {
        const pixels = await readUpload({name: image, bytes}, {model, options: {}, limits});
        const found = await detect(pixels, {name: image, model, options: {}, limits, signal});
        metrics.images.inc({model: name});
        metrics.objects.inc({model: name}, found.scores.length);
        return found;
      }, signal),
  });
}

function addRoutes(app: FastifyInstance, prefix: string, backend: LabelStudioBackend): void {
  // Label Studio asks for its root when a backend is connected.
  for (const path of ['', '/', '/health']) app.get(`${prefix}${path}`, GUARDED, async () => backend.health());
  for (const method of ['GET', 'POST'] as const) {
    app.route({method, url: `${prefix}/versions`, ...GUARDED, handler: async () => backend.versions()});
  }
  app.post(`${prefix}/setup`, GUARDED, async (request) => backend.setup(jsonOf(request)));
  app.post(`${prefix}/webhook`, GUARDED, async (request) => backend.webhook(jsonOf(request)));
  app.post(`${prefix}/predict`, WORK, async (request) => backend.predict(jsonOf(request), request.gone));
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
