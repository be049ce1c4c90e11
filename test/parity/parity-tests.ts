import test, {type ExecutionContext} from 'ava';
import type {Model, NativeModelOptions} from '../../binding.js';
import type {Network} from './configs.js';
import {
  createModel,
  type Errors,
  type Fixture,
  measureDetections,
  measureStages,
  measureTraining,
  readFixture,
} from './measure.js';

/** Relative. This is the package's promise for float32 on the CPU. */
const LIMIT = 1e-4;

/**
 * Where torchvision's own result depends on the order of summation, as after trained batch norms, ours may deviate too.
 * The factor is above 1 because the fixture tried only a few orders.
 */
const SENSITIVITY_FACTOR = 3;

function check(t: ExecutionContext, errors: Errors, expected: number, {sensitivity}: Fixture): void {
  const limit = (name: string) => Math.max(LIMIT, SENSITIVITY_FACTOR * sensitivity[name]!);
  for (const [name, error] of errors) t.log(`${error.toExponential(1)}  ${name}`);
  t.is(errors.size, expected);
  t.deepEqual(
    [...errors].filter(([name, error]) => !(error < limit(name))),
    [],
  );
}

/** Declares the tests that compare one network with its fixture. */
export function testParity(network: Network, options: Partial<NativeModelOptions> = {}): void {
  let model: Model;
  let fixture: Fixture;

  test.before(async () => {
    fixture = readFixture(network);
    model = await createModel(network, fixture, options);
  });

  test.after.always(() => model?.dispose());

  test.serial(`${network}: every stage of detection`, async (t) => {
    check(t, await measureStages(model, fixture), Object.keys(fixture.stages).length, fixture);
  });

  test.serial(`${network}: the same detections in the same order`, async (t) => {
    check(t, await measureDetections(model, fixture), Object.keys(fixture.detections).length, fixture);
  });

  test.serial(`${network}: losses, gradients and steps of training`, async (t) => {
    const {losses, gradientNorms, statistics} = fixture.training;
    const count = 5 + losses.length - 1 + Object.keys(gradientNorms).length + Object.keys(statistics).length;
    check(t, await measureTraining(model, fixture), count, fixture);
  });
}
