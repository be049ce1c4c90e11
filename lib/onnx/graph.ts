import {
  type Attribute,
  ELEMENT_SIZES,
  type ElementType,
  type GraphBody,
  type Node,
  type Tensor,
  type Value,
} from './model-proto.js';

/** The name of a tensor in a graph. */
export type Name = string;

/** A tensor of the file whose bytes are made when they are written. */
export type Initializer = Tensor & {byteLength: number; bytes: () => Uint8Array | Promise<Uint8Array>};

/** Everything that the graph of a file and those of its loops have in common: initializers and used names. */
type Shared = {initializers: Map<Name, Initializer>; taken: Map<string, number>};

/**
 * Builds a graph node by node. Each method adds nodes and returns the names of their outputs, so that a network reads
 * as its formula does.
 */
export class Graph {
  readonly #nodes: Node[] = [];
  readonly #inputs: Value[] = [];
  readonly #outputs: Value[] = [];
  readonly #shared: Shared;
  #scope = '';

  constructor(shared: Shared = {initializers: new Map(), taken: new Map()}) {
    this.#shared = shared;
  }

  /** The initializers of this graph and of the graphs of its loops, in the order of their first use. */
  get initializers(): Initializer[] {
    return [...this.#shared.initializers.values()];
  }

  /** Puts the nodes that `build` adds under a common name, which viewers of graphs show. */
  within<T>(scope: string, build: () => T): T {
    const outer = this.#scope;
    this.#scope = `${outer}${scope}/`;
    try {
      return build();
    } finally {
      this.#scope = outer;
    }
  }

  input(name: Name, type: ElementType, dims: readonly (number | string)[]): Name {
    this.#inputs.push({name, type, dims});
    return name;
  }

  /** Gives `value` the name `name` and makes it an output. */
  output(name: Name, value: Name, type: ElementType, dims: readonly (number | string)[]): void {
    this.#nodes.push({operator: 'Identity', inputs: [value], outputs: [name], attributes: {}});
    this.#outputs.push({name, type, dims});
  }

  /**
   * A one-element input with a default, which users may leave out: an input that is an initializer too (ONNX's IR,
   * section "Initializers").
   */
  optionalInput(name: Name, type: 'float32' | 'int64', value: number): Name {
    this.#add({name, type, dims: [1]}, encodeNumbers(type, [value]));
    return this.input(name, type, [1]);
  }

  /** A node with one output. */
  node(operator: string, inputs: readonly Name[], attributes: Readonly<Record<string, Attribute>> = {}): Name {
    return this.nodes(operator, inputs, 1, attributes)[0]!;
  }

  /** A node with `count` outputs. */
  nodes(
    operator: string,
    inputs: readonly Name[],
    count: number,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): Name[] {
    const outputs = Array.from({length: count}, () => this.#fresh(operator));
    this.#nodes.push({operator, inputs, outputs, attributes});
    return outputs;
  }

  /** A small constant. Equal ones are stored once. */
  constant(type: ElementType, values: readonly number[], dims: readonly number[] = [values.length]): Name {
    const name = `constant/${type}[${dims.join(',')}](${values.join(',')})`;
    if (!this.#shared.initializers.has(name)) this.#add({name, type, dims}, encodeNumbers(type, values));
    return name;
  }

  floats(...values: readonly number[]): Name {
    return this.constant('float32', values);
  }

  integers(...values: readonly number[]): Name {
    return this.constant('int64', values);
  }

  /** Resizes [N,C,H,W] to `size`, int64 [4]. At opset 11, unused regions and scales are empty, but not left out. */
  resize(x: Name, size: Name, attributes: Readonly<Record<string, Attribute>>): Name {
    const unused = this.constant('float32', [], [0]);
    return this.node('Resize', [x, unused, unused, size], attributes);
  }

  /** The length of `x` along an axis, int64 [1]. */
  length(x: Name, axis: number): Name {
    return this.node('Gather', [this.node('Shape', [x]), this.integers(axis)]);
  }

  /** One number without an axis. */
  scalar(type: ElementType, value: number): Name {
    return this.constant(type, [value], []);
  }

  /** A tensor of the file. `bytes` is called when the file is written. */
  weight(tensor: Tensor, bytes: Initializer['bytes']): Name {
    const byteLength = tensor.dims.reduce((product, dim) => product * dim, ELEMENT_SIZES[tensor.type]);
    this.#shared.initializers.set(tensor.name, {...tensor, byteLength, bytes});
    return tensor.name;
  }

  /**
   * Calls `build` once for the graph of a loop that runs `count` times. It takes the number of the turn and returns the
   * value of the turn. The values of all turns, stacked along a new first axis, are the result.
   */
  stackedLoop(
    count: Name,
    element: {type: ElementType; dims: readonly (number | string)[]},
    build: (body: Graph, turn: Name) => Name,
  ): Name {
    const body = new Graph(this.#shared);
    body.#scope = this.#scope;
    const turn = body.input(this.#fresh('turn'), 'int64', []);
    const goesOn = body.input(this.#fresh('goes_on'), 'bool', []);
    const value = body.within('turn', () => build(body, turn));
    body.output(this.#fresh('go_on'), goesOn, 'bool', []);
    body.output(this.#fresh('value'), value, element.type, element.dims);
    return this.node('Loop', [count, this.constant('bool', [1], [])], {body: body.body('turn')});
  }

  /** The finished graph. */
  body(name: string): GraphBody {
    return {name, nodes: this.#nodes, inputs: this.#inputs, outputs: this.#outputs};
  }

  #add(tensor: Tensor, bytes: Uint8Array): void {
    this.#shared.initializers.set(tensor.name, {...tensor, byteLength: bytes.length, bytes: () => bytes});
  }

  #fresh(operator: string): Name {
    const base = `${this.#scope}${operator}`;
    const count = this.#shared.taken.get(base) ?? 0;
    this.#shared.taken.set(base, count + 1);
    return count === 0 ? base : `${base}_${count}`;
  }
}

function encodeNumbers(type: ElementType, values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * ELEMENT_SIZES[type]);
  for (const [i, value] of values.entries()) {
    const at = i * ELEMENT_SIZES[type];
    if (type === 'float32') bytes.writeFloatLE(value, at);
    else if (type === 'float64') bytes.writeDoubleLE(value, at);
    else if (type === 'int64') bytes.writeBigInt64LE(BigInt(value), at);
    else if (type === 'int32') bytes.writeInt32LE(value, at);
    else bytes.writeUInt8(value, at);
  }
  return bytes;
}
