import {once} from 'node:events';
import {SERVE_OPTIONS, type ServeOptions} from '../../serve/options.js';
import {serve} from '../../serve/serve.js';
import type {Command} from '../command.js';
import {DEVICE_HELP, DEVICE_OPTIONS, deviceOptions} from '../device-options.js';
import {docComments, optionHelp} from '../option-help.js';

export const serveCommand: Command = {
  name: 'serve',
  summary: 'Answer requests over HTTP, with a page for people and an ML backend for Label Studio',
  help: () => `Usage: maskrcnn serve WEIGHTS... [OPTIONS]

Finds the objects in the images that are sent to it. POST /predict takes an image as the body, or several as a form, and
answers in JSON, GeoJSON, CSV, or as a picture; / is a page for people; /openapi.json describes the rest. WEIGHTS are a
file, the folder of a run, or a name such as COCO_V1. Several of them are told apart by name: cells=runs/cells.

Ends at Ctrl-C or SIGTERM, after the requests that it has. A token and a key are better given in the environment, as
MASKRCNN_TOKEN and LABEL_STUDIO_API_KEY: other users of the machine can see command lines.

${optionHelp(SERVE_OPTIONS, docComments('serve/options', 'ServeOptions'))}

${DEVICE_HELP}

  maskrcnn serve runs/cells
  curl --data-binary @cell.png http://127.0.0.1:8080/predict
  curl --data-binary @cell.png -H 'Accept: text/csv' 'http://127.0.0.1:8080/predict?scoreThreshold=0.7'
  MASKRCNN_TOKEN=... maskrcnn serve cells=runs/cells COCO_V1 --host 0.0.0.0`,
  options: {...SERVE_OPTIONS, ...DEVICE_OPTIONS},
  takes: {min: 1, max: Infinity, expected: 'at least one WEIGHTS'},
  async run(options, positionals, {out, progress, signal}) {
    const {device: _device, precision: _precision, threads: _threads, ...given} = options as ServeOptions;
    const {token = given.noToken ? undefined : fromEnvironment('MASKRCNN_TOKEN'), ...others} = given;
    const {labelStudioKey = others.labelStudio && fromEnvironment('LABEL_STUDIO_API_KEY'), ...rest} = others;
    const server = await serve(positionals, {
      ...rest,
      ...(token !== undefined && {token}),
      ...(labelStudioKey !== undefined && {labelStudioKey}),
      ...deviceOptions(options),
      signal,
      onNotice: (notice) => progress.say(notice),
    });
    const models = server.models.length > 1 ? ` (${server.models.join(', ')})` : '';
    out(`Serving ${positionals.join(', ')}${models} at ${server.url}. Ctrl-C ends it.`);
    if (!signal.aborted) await once(signal, 'abort');
    progress.say('Ending after the requests that are being answered.');
    await server.close();
  },
};

function fromEnvironment(name: string): string | undefined {
  return process.env[name] || undefined;
}
