import {STATUS_CODES} from 'node:http';
import type {Problem} from './problem.js';

/** A refusal as it is sent where there is no request yet, as the last answer of a connection. */
export function rawAnswer(problem: Problem): string {
  const {status} = problem;
  const body = JSON.stringify(problem);
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}
