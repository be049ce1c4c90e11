import {testParity} from './parity-tests.js';

testParity('resnet50_v1');
