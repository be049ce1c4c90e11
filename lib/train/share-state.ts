import type {ProcessGroup} from '../distributed/process-group.js';
import type {TrainingState} from './state.js';

/**
 * The state that rank 0 has read, on all ranks: without the model's tensors on the others, which get them from rank 0
 * when the model joins the group. Tensors are sent one by one, since together they may be larger than a message can be.
 */
export async function shareState(
  group: ProcessGroup,
  state: TrainingState | undefined,
): Promise<TrainingState | undefined> {
  const outline = await group.fromFirst(
    () =>
      state && {
        ...state,
        model: new Map(),
        optimizer: state.optimizer.map((tensor) => ({...tensor, data: new Uint8Array()})),
      },
  );
  if (outline === undefined) return undefined;
  const optimizer = [];
  for (const [i, tensor] of outline.optimizer.entries()) {
    optimizer.push({...tensor, data: await group.bytesFromFirst(state?.optimizer[i]?.data)});
  }
  return state ?? {...outline, optimizer};
}
