import type {Rule} from '../basics/schema.js';
import {ANSWERS, type AnswerFormat, type Limits} from './options.js';
import {READING_OPTIONS, REQUEST_OPTIONS} from './request-options.js';

/** What a parameter is, for whoever reads the document. */
const DESCRIPTIONS: Readonly<Record<string, string>> = {
  model: 'The name of the model. Default: the first.',
  name: 'The name of the image in the answer, where the body is the image itself.',
  format: 'The format of the answer. It goes before the header `Accept`.',
  scoreThreshold: 'Only objects with a score above this are returned.',
  maxDetections: 'Maximum number of objects of an image, or of a tile.',
  maskThreshold: 'A pixel belongs to an object if its probability is at least this.',
  views: 'Number of mirrored views of the image that are averaged.',
  masks: 'Whether the answer has masks.',
  tiles: 'Cuts the image into tiles of this size in pixels, and joins what they cut.',
  overlap: 'How many pixels neighbouring tiles share.',
  skipBlank: 'Leaves out tiles whose values differ by at most this, 0 to 255, or `glass`: those that are empty glass.',
  level: 'The level of a pyramid that is cut into tiles, 0 for the largest.',
  pixelSize: 'How large the pixels that are cut into tiles shall be, in µm, if the file says it.',
  onTop: 'Which object gets a pixel that several cover, in label masks.',
  micronsPerPixel: "The length of a pixel's side in µm, for tables.",
  range: 'Which stored values become black and white: full, percentile, or two numbers.',
  page: 'The page of the file, counted from 0.',
  channels: 'The stored channels that become red, green and blue.',
};

const NUMBERS = {
  scoreThreshold: {type: 'number', minimum: 0, maximum: 1},
  maskThreshold: {type: 'number', minimum: 0, maximum: 1},
  maxDetections: {type: 'integer', minimum: 1},
  tiles: {type: 'integer', minimum: 16},
  overlap: {type: 'integer', minimum: 0},
  skipBlank: {
    anyOf: [
      {type: 'number', minimum: 0, maximum: 255},
      {type: 'string', enum: ['glass']},
    ],
  },
  level: {type: 'integer', minimum: 0},
  pixelSize: {type: 'number', exclusiveMinimum: 0},
  micronsPerPixel: {type: 'number', exclusiveMinimum: 0},
  page: {type: 'integer', minimum: 0},
  views: {type: 'integer', enum: [1, 2, 4]},
} as const satisfies Record<string, object>;

/** The description of the server as an OpenAPI 3.1 document. */
export function openApi({version, limits, token}: {version: string; limits: Limits; token: boolean}): object {
  const problem = (description: string) => ({description, content: json({$ref: '#/components/schemas/Problem'})});
  const unauthorized = token ? {'401': problem('No token, or a wrong one')} : {};
  const refusals = {
    '400': problem('Parameters or a body that cannot be read'),
    ...unauthorized,
    '404': problem('No such model'),
    '403': problem('A page from elsewhere, without a token'),
    '413': problem('More bytes, pixels or images than the server takes'),
    '415': problem('A body that is compressed as a whole'),
    '422': problem('An image that cannot be read'),
    '429': {...problem('Too many requests wait'), ...RETRY_AFTER},
    '503': {...problem('The server is ending'), ...RETRY_AFTER},
    '504': problem(`Not done within ${limits.timeoutSeconds} s`),
  };
  const security = token ? {security: [{token: []}]} : {};
  return {
    openapi: '3.1.0',
    info: {
      title: 'maskrcnn serve',
      version,
      description: 'Finds the objects in images with Mask R-CNN. Any request may also get 405, 408, 417, 421 or 431.',
    },
    servers: [{url: '/'}],
    paths: {
      '/predict': {
        post: {
          operationId: 'predict',
          summary: 'Find the objects in an image, or in several that are sent as a form',
          ...security,
          parameters: parametersOf(REQUEST_OPTIONS),
          requestBody: {
            required: true,
            content: {
              // The first is what generated clients send.
              'application/octet-stream': {schema: BINARY},
              'image/*': {schema: BINARY},
              'multipart/form-data': {
                schema: {
                  type: 'object',
                  properties: {image: {type: 'array', maxItems: limits.maxImages, items: BINARY}},
                },
              },
            },
          },
          responses: {
            '200': {description: 'The objects', content: answers()},
            '406': problem('A format that does not fit'),
            ...refusals,
          },
        },
      },
      '/image': {
        post: {
          operationId: 'viewImage',
          summary: 'The image as the network sees it, as PNG: a page of a stack, or 16 bits in a range',
          ...security,
          parameters: parametersOf(READING_OPTIONS),
          requestBody: {
            required: true,
            content: {'application/octet-stream': {schema: BINARY}, 'image/*': {schema: BINARY}},
          },
          responses: {'200': {description: 'The image', content: {'image/png': {schema: BINARY}}}, ...refusals},
        },
      },
      '/models': {
        get: {
          operationId: 'models',
          summary: 'The models and their classes',
          ...security,
          responses: {
            '200': {description: 'The models', content: json({$ref: '#/components/schemas/Models'})},
            ...unauthorized,
          },
        },
      },
      '/health': {
        get: {
          operationId: 'health',
          summary: 'Whether the process runs',
          responses: {'200': {description: 'It runs', content: json({$ref: '#/components/schemas/Status'})}},
        },
      },
      '/ready': {
        get: {
          operationId: 'ready',
          summary: 'Whether it takes requests',
          responses: {
            '200': {description: 'It does', content: json({$ref: '#/components/schemas/Status'})},
            '429': {...problem('Its queue is full'), ...RETRY_AFTER},
            '503': {...problem('It ends'), ...RETRY_AFTER},
          },
        },
      },
      '/metrics': {
        get: {
          operationId: 'metrics',
          summary: 'Counts and times for Prometheus',
          ...security,
          responses: {
            '200': {description: 'The metrics', content: {'text/plain': {schema: {type: 'string'}}}},
            ...unauthorized,
          },
        },
      },
    },
    components: {schemas: SCHEMAS, ...(token && {securitySchemes: {token: {type: 'http', scheme: 'bearer'}}})},
  };
}

function json(schema: object): object {
  return {'application/json': {schema}};
}

/** The bodies of answers, by their media types. Pictures share one. */
function answers(): object {
  const bodies: Record<Exclude<AnswerFormat, 'labels'>, object> = {
    json: {schema: {$ref: '#/components/schemas/Predictions'}},
    geojson: {schema: {$ref: '#/components/schemas/FeatureCollection'}},
    csv: {schema: {type: 'string'}},
    overlay: {schema: BINARY},
  };
  return Object.fromEntries(Object.entries(bodies).map(([name, body]) => [ANSWERS[name as AnswerFormat], body]));
}

function parametersOf(schema: Readonly<Record<string, Rule>>) {
  return Object.entries(schema).map(([name, {words}]) => {
    const isWord = words !== undefined && words.length > 0 && name !== 'range';
    const type = NUMBERS[name as keyof typeof NUMBERS] ?? {type: 'string', ...(isWord && {enum: words})};
    return {name, in: 'query' as const, required: false, description: DESCRIPTIONS[name] ?? name, schema: type};
  });
}

const RETRY_AFTER = {
  headers: {'Retry-After': {description: 'Seconds after which to come again', schema: {type: 'integer'}}},
} as const;

/** The bytes of an image file. */
const BINARY = {type: 'string', format: 'binary'} as const;

const SCHEMAS = {
  Problem: {
    type: 'object',
    required: ['status', 'code', 'message'],
    properties: {
      status: {type: 'integer'},
      code: {type: 'string', description: 'A stable word for programs'},
      message: {type: 'string', description: 'One sentence for people'},
      hint: {type: 'string'},
    },
  },
  Predictions: {
    type: 'object',
    required: ['model', 'images'],
    properties: {
      model: {type: 'string'},
      images: {type: 'array', items: {$ref: '#/components/schemas/Prediction'}},
    },
  },
  Prediction: {
    type: 'object',
    required: ['file', 'width', 'height', 'objects'],
    properties: {
      file: {type: 'string'},
      width: {type: 'integer'},
      height: {type: 'integer'},
      downsample: {
        type: 'number',
        description: 'With level or pixelSize: how many pixels of the image a pixel is wide',
      },
      objects: {type: 'array', items: {$ref: '#/components/schemas/DetectedObject'}},
    },
  },
  DetectedObject: {
    type: 'object',
    required: ['id', 'class', 'score', 'box'],
    properties: {
      id: {type: 'integer', description: '1, 2, ...: its number in all formats of the same request'},
      class: {type: 'string'},
      score: {type: 'number', minimum: 0, maximum: 1},
      box: {
        type: 'array',
        items: {type: 'number'},
        minItems: 4,
        maxItems: 4,
        description:
          'x0, y0, x1, y1 in pixels of width and height, which are those of the level with level or pixelSize',
      },
      mask: {
        type: 'object',
        required: ['size', 'counts'],
        description: "COCO's compressed run lengths, as pycocotools reads them",
        properties: {
          size: {type: 'array', items: {type: 'integer'}, minItems: 2, maxItems: 2, description: 'height, width'},
          counts: {type: 'string'},
        },
      },
    },
  },
  FeatureCollection: {
    type: 'object',
    description: 'Outlines as GeoJSON (RFC 7946), in pixels of the image (level 0 of a pyramid), with y downwards',
    required: ['type', 'features'],
    properties: {
      type: {type: 'string', enum: ['FeatureCollection']},
      features: {type: 'array', items: {type: 'object', additionalProperties: true}},
    },
  },
  Status: {
    type: 'object',
    required: ['status'],
    properties: {status: {type: 'string'}, models: {type: 'array', items: {type: 'string'}}},
  },
  Models: {
    type: 'object',
    required: ['models'],
    properties: {
      models: {
        type: 'array',
        items: {
          type: 'object',
          required: ['name', 'version', 'classes', 'scoreThreshold', 'masks'],
          properties: {
            name: {type: 'string'},
            version: {type: 'string'},
            classes: {type: 'array', items: {type: 'string'}},
            scoreThreshold: {type: 'number', description: 'The lowest score that the model gives'},
            masks: {type: 'boolean'},
          },
        },
      },
    },
  },
} as const;
