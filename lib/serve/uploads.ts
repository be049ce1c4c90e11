import {basename} from 'node:path/posix';
import type {FastifyRequest} from 'fastify';
import type {Limits} from './options.js';
import {Problem} from './problem.js';
import {readBody} from './read-body.js';

/** An image that was sent. */
export type Upload = {name: string; bytes: Uint8Array};

/** What a body holds: images, and fields of a form. */
export type Uploads = {images: Upload[]; fields: Record<string, string[]>};

/** Fields of a form, and the length of each. */
const MOST_FIELDS = 32;
const LONGEST_FIELD = 1000;

/**
 * The images in a body: the body itself, or the files of a form. Throws NO_IMAGE, TOO_MANY_IMAGES, BODY_TOO_LARGE.
 */
export async function readUploads(request: FastifyRequest, limits: Limits): Promise<Uploads> {
  if (request.isMultipart()) {
    return readForm(request, limits).catch((error: Error & {statusCode?: number}) => {
      if (error instanceof Problem || error.statusCode !== undefined) throw error;
      // The parser's own words for what no browser sends, such as a form without a boundary.
      throw new Problem(400, 'BAD_REQUEST', 'The form cannot be read.', {hint: `Its parser says: ${error.message}.`});
    });
  }
  const {body} = request;
  if (!Buffer.isBuffer(body) || body.length === 0) {
    throw new Problem(400, 'NO_IMAGE', 'The body of the request must be an image, got nothing.', {
      hint: 'Send the bytes of an image file, or a form with files.',
    });
  }
  return {images: [{name: 'image', bytes: body}], fields: {}};
}

async function readForm(request: FastifyRequest, {maxImages, maxMegabytes}: Limits): Promise<Uploads> {
  const most = maxMegabytes * 1e6;
  const images: Upload[] = [];
  const fields: Record<string, string[]> = {};
  let total = 0;
  const parts = request.parts({
    limits: {
      fileSize: most,
      files: maxImages + 1, // one more, to tell of it
      fields: MOST_FIELDS,
      fieldSize: LONGEST_FIELD,
      parts: maxImages + 1 + MOST_FIELDS,
    },
  });
  for await (const part of parts) {
    if (part.type === 'field') {
      fields[part.fieldname] = [...(fields[part.fieldname] ?? []), String(part.value)];
      continue;
    }
    if (images.length === maxImages) {
      throw new Problem(413, 'TOO_MANY_IMAGES', `A request may have at most ${maxImages} images, got more.`);
    }
    const tooLarge = () => bodyTooLarge(maxMegabytes);
    const bytes = await readBody(part.file, {most: most - total, tooLarge});
    if (part.file.truncated) throw tooLarge();
    total += bytes.length;
    // A file input that was left empty sends a file without a name.
    if (bytes.length > 0 || part.filename) images.push({name: baseName(part.filename), bytes});
  }
  if (images.length === 0) {
    throw new Problem(400, 'NO_IMAGE', 'The form has no file.', {hint: 'Send each image as a file of the form.'});
  }
  return {images, fields};
}

export function bodyTooLarge(maxMegabytes: number): Problem {
  return new Problem(413, 'BODY_TOO_LARGE', `A request may have at most ${maxMegabytes} MB, got more.`);
}

/** The last part of a name that a client gives to a file. It is only repeated to the client. */
function baseName(given: string | undefined): string {
  return basename((given ?? '').replaceAll('\\', '/')) || 'image';
}
