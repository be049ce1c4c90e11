// One process of a group that evaluates weights of its own.
import {evaluate, maskRcnn} from '../../lib/index.js';
import {blobs, tinyModel} from '../tiny.js';

await using model = await maskRcnn({...tinyModel, seed: Number(process.env.RANK)});
await evaluate(model, {data: blobs(2), distributed: 'auto'});
