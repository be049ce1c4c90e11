import {testParity} from './parity-tests.js';

testParity('resnet18');
