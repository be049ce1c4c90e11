import {testParity} from '../../parity/parity-tests.js';
import {DEVICE, loadStandIn} from './stand-in.js';

// With graphs: detection starts to replay a graph at its second call.
await loadStandIn();
testParity('resnet50_v1', {device: DEVICE, graphs: true});
