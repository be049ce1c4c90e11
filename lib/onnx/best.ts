import {atMost} from './boxes.js';
import type {Graph, Name} from './graph.js';

/** Below every score: what boxes have that are not to be found. Half of it is still below every score. */
export const NO_SCORE = -1;

/** What `bestOfImages()` chooses, image after image, each in descending order of score: B of all images. */
export type Best = {
  scores: Name;
  /** Their numbers within [M], int64 [B]. */
  order: Name;
  /** The image of each and its place among those of its image, int64 [B,2]. */
  places: Name;
  /** The most that an image may have, int64 [1]. */
  most: Name;
};

/**
 * Of each image's scores [N,M], the `limit` (int64 [1]) best of those that `indices` [I,2] names, each an image and a
 * number. Equal scores stay in the order of their numbers.
 */
export function bestOfImages(graph: Graph, {scores, indices, limit}: {scores: Name; indices: Name; limit: Name}): Best {
  const none = graph.node('Expand', [graph.scalar('float32', NO_SCORE), graph.node('Shape', [scores])]);
  const named = graph.node('ScatterND', [none, indices, graph.node('GatherND', [scores, indices])]);
  const most = atMost(graph, graph.length(scores, 1), limit);
  const [best, order] = graph.nodes('TopK', [named, most], 2, {axis: 1});
  const isNamed = graph.node('Greater', [best!, graph.scalar('float32', NO_SCORE / 2)]);
  const places = graph.node('Transpose', [graph.node('NonZero', [isNamed])], {perm: [1, 0]});
  const of = (values: Name) => graph.node('GatherND', [values, places]);
  return {scores: of(best!), order: of(order!), places, most};
}

/** A column of [R,C]: [R]. */
export function column(graph: Graph, rows: Name, index: number): Name {
  return graph.node('Gather', [rows, graph.scalar('int64', index)], {axis: 1});
}

/** Columns [R] side by side: [R,C]. */
export function columns(graph: Graph, ...each: Name[]): Name {
  const unsqueezed = each.map((values) => graph.node('Unsqueeze', [values], {axes: [1]}));
  return graph.node('Concat', unsqueezed, {axis: 1});
}
