import {testParity} from '../../parity/parity-tests.js';
import {DEVICE, loadStandIn} from './stand-in.js';

// The branches for a GPU, against what torchvision computed.
await loadStandIn();
testParity('resnet18', {device: DEVICE});
