import {SaxesParser} from 'saxes';
import {MaskRcnnError} from '../basics/errors.js';
import {Turn} from '../basics/turns.js';
import {listed, show} from '../basics/wording.js';
import type {RegionKind} from '../export/formats/label-studio-results.js';

/** A label of a control, as the tool calls it in results, and all names of classes that it stands for. */
type Label = {name: string; stands: readonly string[]};

/** An element of the labelling configuration with which people draw objects on the image. */
export type Control = {
  kind: RegionKind;
  name: string;
  labels: readonly Label[];
  /** Objects with a lower score are not wanted. */
  threshold: number;
};

/** What the labelling configuration of a project says of images and objects. */
export type LabelConfig = {
  /** The name of the element that shows the image. */
  image: string;
  /** The field of a task's data that has the image. */
  field: string;
  controls: readonly Control[];
};

/** The controls that our objects fit, by the names of their elements in lower case: the tool ignores the case. */
const KINDS: Readonly<Record<string, RegionKind>> = {
  polygonlabels: 'polygon',
  brushlabels: 'brush',
  rectanglelabels: 'rectangle',
};

/** Beyond any real configuration. Without limits, one of start tags alone would fill the memory. */
const MOST_LEVELS = 128;
const MOST_CHARACTERS = 1 << 22;

/** Characters that are parsed between two looks at the clock. */
const PART = 1 << 14;

/**
 * Reads a labelling configuration, in turns of the event loop. Throws INVALID_OPTION if it is no XML, or has no image
 * on which polygons, brushes or rectangles with labels are drawn. Entities that it declares itself are an error.
 */
export async function readLabelConfig(xml: unknown): Promise<LabelConfig> {
  if (typeof xml !== 'string') throw invalid(`must be XML, got ${show(xml)}`);
  if (xml.length > MOST_CHARACTERS) throw invalid(`must have at most ${MOST_CHARACTERS} characters, got ${xml.length}`);
  const images = new Map<string, string>();
  const controls: (Control & {labels: Label[]; to: readonly string[]})[] = [];
  /** The open elements: for each, its control if it is one. */
  const open: ((typeof controls)[number] | undefined)[] = [];
  await parse(xml, {
    open(element, {name, toName, value, ...attributes}) {
      if (open.length === MOST_LEVELS) throw invalid(`must have at most ${MOST_LEVELS} levels`);
      const kind = Object.hasOwn(KINDS, element) ? KINDS[element] : undefined;
      let control: (typeof controls)[number] | undefined;
      if (element === 'image' && name && value) images.set(name, value.replace(/^\$/, ''));
      else if (kind !== undefined && name && toName) {
        const threshold = Number(attributes.model_score_threshold ?? 0) || 0;
        control = {kind, name, to: toName.split(',').map((each) => each.trim()), labels: [], threshold};
        controls.push(control);
      } else if (element === 'label')
        open.findLast((each) => each !== undefined)?.labels.push(labelOf(value, attributes));
      open.push(control);
    },
    close: () => open.pop(),
  });
  const image = [...images.keys()].find((name) => controls.some(({to}) => to.includes(name)));
  if (image === undefined) {
    const there = controls.length === 0 ? 'no such control' : `none for an <Image> with a value`;
    throw invalid(`must have <PolygonLabels>, <BrushLabels> or <RectangleLabels> for an <Image>, and has ${there}`);
  }
  return {image, field: images.get(image)!, controls: controls.filter(({to}) => to.includes(image))};
}

/** The label of a control that stands for a class, if there is one. */
export function labelFor({labels}: Control, className: string): string | undefined {
  const exact = labels.find(({stands}) => stands.includes(className));
  const lower = className.toLowerCase();
  return (exact ?? labels.find(({stands}) => stands.some((name) => name.toLowerCase() === lower)))?.name;
}

/** Throws INVALID_OPTION unless some control has a label for one of the classes. */
export function requireSharedClass({controls}: LabelConfig, classes: readonly string[]): void {
  if (controls.some((control) => classes.some((name) => labelFor(control, name) !== undefined))) return;
  const labels = controls.flatMap((control) => control.labels.map(({name}) => name));
  throw invalid(
    `must have a label for a class of the model (${listed(classes)}), and has ${listed([...new Set(labels)]) || 'none'}`,
    'Name a label as the class, or add predicted_values="CLASS" to it.',
  );
}

function labelOf(value: string | undefined, {alias, predicted_values: predicted}: Record<string, string>): Label {
  const stands = [alias, value, ...(predicted ?? '').split(',').map((name) => name.trim())];
  return {name: alias || value || '', stands: stands.filter((name): name is string => !!name)};
}

type Handlers = {open(element: string, attributes: Record<string, string>): void; close(): void};

async function parse(xml: string, handlers: Handlers): Promise<void> {
  const parser = new SaxesParser();
  parser.on('error', ({message}) => {
    const reason = message.replace(/^\d+:\d+: /, '').replace(/\.$/, '');
    throw invalid(`must be XML: ${reason}, in line ${parser.line}, column ${parser.column}`);
  });
  parser.on('opentag', ({name, attributes}) => handlers.open(name.toLowerCase(), attributes));
  parser.on('closetag', () => handlers.close());
  const turn = new Turn();
  for (let at = 0; at < xml.length; at += PART) {
    if (turn.isOver()) await turn.next();
    parser.write(xml.slice(at, at + PART));
  }
  parser.close();
}

function invalid(fault: string, hint?: string): MaskRcnnError {
  return new MaskRcnnError('INVALID_OPTION', `The labelling configuration of Label Studio ${fault}.`, {
    ...(hint !== undefined && {hint}),
  });
}
