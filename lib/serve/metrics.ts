import {Counter, collectDefaultMetrics, Gauge, Histogram, Registry} from 'prom-client';
import type {WorkQueue} from './work-queue.js';

/** Upper bounds in seconds, from a small network on a GPU to a large image in tiles. */
const SECONDS = [0.01, 0.03, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120];

/** What the server counts and measures, in the names and units of Prometheus. */
export class Metrics {
  readonly registry = new Registry();
  readonly requests = new Counter({
    name: 'maskrcnn_requests_total',
    help: 'Requests that were answered, by route and status.',
    labelNames: ['route', 'status'] as const,
    registers: [this.registry],
  });
  readonly requestSeconds = new Histogram({
    name: 'maskrcnn_request_seconds',
    help: 'Time from a request to the end of its answer.',
    labelNames: ['route'] as const,
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly queueSeconds = new Histogram({
    name: 'maskrcnn_queue_seconds',
    help: 'Time that requests waited for their turn.',
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly predictSeconds = new Histogram({
    name: 'maskrcnn_predict_seconds',
    help: 'Time that the network took for an image.',
    labelNames: ['model'] as const,
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly images = new Counter({
    name: 'maskrcnn_images_total',
    help: 'Images that were predicted on.',
    labelNames: ['model'] as const,
    registers: [this.registry],
  });
  readonly objects = new Counter({
    name: 'maskrcnn_objects_total',
    help: 'Objects that were found.',
    labelNames: ['model'] as const,
    registers: [this.registry],
  });

  constructor(queue: WorkQueue) {
    const registers = [this.registry];
    new Gauge({
      name: 'maskrcnn_queue_waiting',
      help: 'Requests that wait for their turn.',
      registers,
      collect() {
        this.set(queue.waiting);
      },
    });
    new Gauge({
      name: 'maskrcnn_queue_running',
      help: 'Requests that are worked on.',
      registers,
      collect() {
        this.set(queue.running);
      },
    });
    // Memory, CPU time and delays of the event loop.
    collectDefaultMetrics({register: this.registry});
  }
}
