/** Metadata in a weights file: the class names (without the background) and other texts. */
export type WeightsMetadata = {
  classes?: string[];
  [name: string]: string | string[] | undefined;
};

/** Converts metadata to strings by name, as safetensors stores it. The classes become a JSON list. */
export function encodeMetadata({classes, ...texts}: WeightsMetadata): Record<string, string> {
  const encoded: Record<string, string> = {};
  for (const [name, text] of Object.entries(texts)) if (typeof text === 'string') encoded[name] = text;
  return classes === undefined ? encoded : {...encoded, classes: JSON.stringify(classes)};
}

/**
 * Converts stored strings to metadata. If `classes` is not a JSON list of names, another program wrote it: it is left
 * out, and added to `notes`.
 */
export function decodeMetadata(encoded: Record<string, string>, notes: string[]): WeightsMetadata {
  const {classes, ...texts} = encoded;
  if (classes === undefined) return texts;
  const list = parseJson(classes);
  if (Array.isArray(list) && list.every((name) => typeof name === 'string')) return {...texts, classes: list};
  notes.push("left the metadata 'classes': it is not a JSON list of names");
  return texts;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
