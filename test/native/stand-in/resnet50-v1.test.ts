import {testParity} from '../../parity/parity-tests.js';
import {DEVICE, loadStandIn} from './stand-in.js';

// With graphs: detection begins to replay one with its second call.
await loadStandIn();
testParity('resnet50_v1', {device: DEVICE, graphs: true});
