import {testParity} from './parity-tests.js';

testParity('fasterrcnn_resnet50');
