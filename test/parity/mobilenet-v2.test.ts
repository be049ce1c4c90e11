import {testParity} from './parity-tests.js';

testParity('mobilenet_v2');
