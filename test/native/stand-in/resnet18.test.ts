import {testParity} from '../../parity/parity-tests.js';
import {DEVICE, loadStandIn} from './stand-in.js';

// Compares the code paths for a GPU with torchvision's results.
await loadStandIn();
testParity('resnet18', {device: DEVICE});
