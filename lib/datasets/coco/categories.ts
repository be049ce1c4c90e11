import {MaskRcnnError} from '../../basics/errors.js';
import {closest, count} from '../../basics/wording.js';

export type CocoCategory = {
  id: number;
  name: string;
  /** Undefined if the file gives none that is text. */
  supercategory: string | undefined;
  /** Number of its annotations, without those that were skipped. */
  annotations: number;
};

/** A class: all categories of one name. */
export type CocoClass = {
  name: string;
  /** The id in results files: the first category with annotations, or else the first. */
  id: number;
  /** The ids of the categories whose annotations are of this class. */
  ids: readonly number[];
};

/** The classes of a data set, and sentences about categories that are not simply one class each. */
export type CocoClasses = {classes: CocoClass[]; notices: string[]};

/**
 * The classes that `categories` (sorted by id) make. A root is left out: a category without annotations that is the
 * supercategory of another category and not its own. Roboflow writes such a category 0, which may have the name of a
 * class. Categories of one name are one class. `names` picks classes and their order; by default all are taken in the
 * order of their first ids. A root is taken only if `names` has its name and no other category has it. Throws
 * INVALID_OPTION for names that are unknown or given twice.
 */
export function toClasses(
  categories: readonly CocoCategory[],
  names: readonly string[] | undefined,
  file: string,
): CocoClasses {
  const roots = new Set(categories.filter((category) => isRoot(category, categories)));
  const groups = new Map<string, CocoCategory[]>();
  for (const category of categories) {
    if (!roots.has(category)) groups.set(category.name, [...(groups.get(category.name) ?? []), category]);
  }
  const wanted = names === undefined ? [...groups.keys()] : checkNames(names, categories, file);
  const chosen = wanted.map((name) => groups.get(name) ?? categories.filter((category) => category.name === name));
  const leftOut = [...roots].filter((root) => {
    const isOfInterest = names === undefined || names.includes(root.name);
    return isOfInterest && !chosen.some((members) => members.includes(root));
  });
  return {
    classes: chosen.map((members) => ({
      name: members[0]!.name,
      id: (members.find(({annotations}) => annotations > 0) ?? members[0]!).id,
      ids: members.map(({id}) => id),
    })),
    notices: [
      ...leftOut.map((root) => aboutRoot(root, categories)),
      ...chosen.filter(({length}) => length > 1).map(aboutDoubled),
    ],
  };
}

function isRoot(category: CocoCategory, categories: readonly CocoCategory[]): boolean {
  if (category.annotations > 0 || category.supercategory === category.name) return false;
  return childrenOf(category, categories).length > 0;
}

function childrenOf({id, name}: CocoCategory, categories: readonly CocoCategory[]): CocoCategory[] {
  return categories.filter((other) => other.id !== id && other.supercategory === name);
}

function aboutRoot(root: CocoCategory, categories: readonly CocoCategory[]): string {
  const names = childrenOf(root, categories).map(({name}) => `'${name}'`);
  const shown = names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
  return `Category ${root.id} '${root.name}' is not a class: it has no annotations and is the supercategory of ${shown}.`;
}

function aboutDoubled(members: readonly CocoCategory[]): string {
  const parts = members.map(({id, annotations}) => `${id} (${count(annotations, 'annotation')})`);
  return `Class '${members[0]!.name}' has the annotations of ${members.length} categories of this name: ${parts.join(', ')}.`;
}

/** Throws INVALID_OPTION unless all `names` are different names of `categories`. */
function checkNames(names: readonly string[], categories: readonly CocoCategory[], file: string): readonly string[] {
  const known = categories.map(({name}) => name);
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) !== i) {
      throw new MaskRcnnError(
        'INVALID_OPTION',
        `Option 'classes' of Coco.open must name each class once, got '${name}' twice.`,
        {file},
      );
    }
    if (known.includes(name)) continue;
    const near = closest(name, known);
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option 'classes' of Coco.open must name categories of ${file}, got '${name}'.`,
      near === undefined ? {file} : {file, hint: `Did you mean '${near}'?`},
    );
  }
  return names;
}
