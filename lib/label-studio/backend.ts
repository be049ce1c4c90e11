import {MaskRcnnError} from '../basics/errors.js';
import {callback, checkOptions, integer, listOf, number, required, type Schema, text} from '../basics/schema.js';
import {show} from '../basics/wording.js';
import type {Detections} from '../model/detections.js';
import {ImageSource} from './image-source.js';
import {type LabelConfig, readLabelConfig, requireSharedClass} from './label-config.js';
import {Notices, type Prediction, predictionOf} from './results.js';
import {shown, taskName} from './task-image.js';

export type LabelStudioOptions = {
  /** Name and version of the model. Label Studio asks again for images when they change. */
  name: string;
  version: string;
  /** Class names in the order of the labels. */
  classes: readonly string[];
  /** Finds the objects of the bytes of an image file. `name` is for messages. */
  detect: (image: Uint8Array, options: {name: string; signal: AbortSignal}) => Promise<Detections>;
  /** The address of Label Studio. Images are fetched from its origin alone. Without it, they must be in the tasks. */
  url?: string | undefined;
  /** A legacy token or a personal access token of Label Studio. */
  apiKey?: string | undefined;
  /** The most bytes of an image file. */
  maxBytes: number;
  /** How long Label Studio may take for an image, in seconds. Default 30. */
  timeout?: number | undefined;
  /** Is called with what the user should know: objects that are left out, images that are not there. */
  onNotice?: ((message: string) => void) | undefined;
};

const OPTIONS: Schema = {
  name: required(text),
  version: required(text),
  classes: required(listOf(text, {min: 1})),
  detect: required(callback),
  url: text,
  apiKey: text,
  maxBytes: required(integer({min: 1})),
  timeout: number({above: 0}),
  onNotice: callback,
};

/**
 * The answers to Label Studio's requests, by the routes of its ML-backend protocol: each takes the parsed body of a
 * request, and gives what is to be sent as JSON. Throws INVALID_OPTION for a body or labelling configuration that
 * cannot be answered, INVALID_IMAGE and DOWNLOAD_FAILED for images, and what `detect` throws.
 */
export type LabelStudioBackend = {
  /** GET /health and GET /. */
  health(): {status: 'UP'; model_class: string};
  /** POST /setup. Throws INVALID_OPTION if no object of the model has a place in the labelling configuration. */
  setup(body: unknown): Promise<{model_version: string}>;
  /** POST /predict. */
  predict(body: unknown, signal: AbortSignal): Promise<{results: (Prediction | [])[]; notices?: string[]}>;
  /** POST /webhook. The server does not train: corrected data go through `maskrcnn train`. */
  webhook(body: unknown): {status: 'ok'; message: string};
  /** GET and POST /versions. */
  versions(): {versions: string[]};
};

/** The faults of one image. Those of others can be answered all the same. */
const FAULTS_OF_IMAGES: readonly string[] = ['INVALID_IMAGE', 'DOWNLOAD_FAILED'];

/** Throws INVALID_OPTION. */
export function labelStudioBackend(options: LabelStudioOptions): LabelStudioBackend {
  checkOptions(options, OPTIONS, 'labelStudioBackend()');
  const {name, version, classes, detect, url, apiKey, maxBytes, timeout = 30, onNotice} = options;
  const images = new ImageSource({base: addressOf(url), apiKey, maxBytes, timeoutMs: 1000 * timeout});
  const modelVersion = `${name} ${version}`;
  /** The configuration of the last request: the next one mostly has the same. */
  let last: {xml: unknown; config: Promise<LabelConfig>} | undefined;

  const configOf = async (xml: unknown): Promise<LabelConfig> => {
    if (last === undefined || last.xml !== xml) last = {xml, config: readLabelConfig(xml)};
    const config = await last.config;
    requireSharedClass(config, classes);
    return config;
  };

  const predictTask = async (task: Fields, config: LabelConfig, notices: Notices, signal: AbortSignal) => {
    const id = Number.isSafeInteger(task.id) ? (task.id as number) : undefined;
    const value = fieldsOf(task.data, `the data of ${taskName(id)}`)[config.field];
    if (typeof value !== 'string' || value === '') {
      throw new MaskRcnnError(
        'INVALID_IMAGE',
        `Field '${config.field}' of ${taskName(id)} must be the address of an image, got ${show(value)}.`,
      );
    }
    const bytes = await images.read({id, value}, signal);
    const image = `${shown(value)} of ${taskName(id)}`;
    const found = await detect(bytes, {name: image, signal});
    return predictionOf(found, config, {name: image, version: modelVersion, notices});
  };

  return {
    health: () => ({status: 'UP', model_class: name}),
    versions: () => ({versions: [modelVersion]}),
    async setup(body) {
      await configOf(fieldsOf(body, 'A request of Label Studio').schema);
      return {model_version: modelVersion};
    },
    async predict(body, signal) {
      const {tasks, label_config: xml} = fieldsOf(body, 'A request of Label Studio');
      if (!Array.isArray(tasks) || tasks.length === 0) {
        throw new MaskRcnnError('INVALID_OPTION', `A request of Label Studio must have tasks, got ${show(tasks)}.`);
      }
      const config = await configOf(xml);
      const notices = new Notices();
      const results: (Prediction | [])[] = [];
      const faults: MaskRcnnError[] = [];
      for (const [i, task] of tasks.entries()) {
        signal.throwIfAborted();
        try {
          results.push(await predictTask(fieldsOf(task, `Task ${i + 1} of a request`), config, notices, signal));
        } catch (error) {
          if (!(error instanceof MaskRcnnError && FAULTS_OF_IMAGES.includes(error.code))) throw error;
          faults.push(error);
          notices.add(error.message);
          // Label Studio keeps no prediction for the task, as it would if there were nothing on the image.
          results.push([]);
        }
      }
      if (faults.length === tasks.length) throw faults[0]!;
      const said = notices.list();
      for (const notice of said) onNotice?.(notice);
      return {results, ...(said.length > 0 && {notices: said})};
    },
    webhook(body) {
      const {action} = fieldsOf(body, 'A request of Label Studio');
      const message =
        action === 'START_TRAINING'
          ? 'This server does not train. Export the project and run `maskrcnn train` on it, with the weights served here.'
          : 'Nothing is done.';
      if (action === 'START_TRAINING') onNotice?.(message);
      return {status: 'ok', message};
    },
  };
}

type Fields = Readonly<Record<string, unknown>>;

/** The own fields of an object. `what`: what it is, for the error INVALID_OPTION that it is none. */
function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.assign(Object.create(null), value);
  }
  const subject = what[0]!.toUpperCase() + what.slice(1);
  throw new MaskRcnnError('INVALID_OPTION', `${subject} must be an object, got ${show(value)}.`);
}

function addressOf(url: string | undefined): URL | undefined {
  if (url === undefined) return undefined;
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (address === undefined || !['http:', 'https:'].includes(address.protocol) || address.username !== '') {
    const hint = 'An example is http://localhost:8080.';
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `The address of Label Studio must be an http or https URL, got ${show(url)}.`,
      {
        hint,
      },
    );
  }
  address.search = '';
  address.hash = '';
  return address;
}
