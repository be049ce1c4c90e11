// One process of a group that evaluates the same weights as the others, with a seed of its own, and then weights of its
// own.
import {evaluate, maskRcnn} from '../../lib/index.js';
import {blobs, tinyModel} from '../tiny.js';

const options = {data: blobs(2), distributed: 'auto'} as const;
await using model = await maskRcnn({...tinyModel, seed: Number(process.env.RANK)});
const own = await model.stateDict();
await using common = await maskRcnn(tinyModel);
await model.loadStateDict(await common.stateDict());
await evaluate(model, options);
process.stdout.write('evaluated');
await model.loadStateDict(own);
await evaluate(model, options);
