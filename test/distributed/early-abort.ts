// One process of a group whose others do not come. It aborts before the addon is loaded, and as soon as it joins.
// Prints why each has ended.
import {joinGroup} from '../../lib/distributed/process-group.js';

for (const reason of ['before loading', 'at once']) {
  const controller = new AbortController();
  const joining = joinGroup('auto', 'train()', controller.signal);
  setImmediate(() => controller.abort(new Error(reason)));
  await joining.catch((error) => console.log(error.message));
}
