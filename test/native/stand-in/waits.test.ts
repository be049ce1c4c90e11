import test from 'ava';
import {batch, createTiny, DETECT, SGD} from './models.js';
import {DEVICE, loadStandIn} from './stand-in.js';

// While the program waits for a GPU, it queues no work, so the GPU runs idle afterwards.
const {binding, standIn} = await loadStandIn();

/** The waits per image: the number of proposals and detections, before and after NMS. */
const BY_IMAGE = ['aten::nonzero', 'torchvision::nms'];

for (const images of [1, 3]) {
  test.serial(
    `detection in ${images} image(s) waits where it must know a number, and once for the results`,
    async (t) => {
      const model = await createTiny(binding, DEVICE);
      await model.detect(batch(images).images, DETECT);
      standIn.takeJournal();
      await model.detect(batch(images).images, DETECT);
      const {waits, operators} = standIn.takeJournal();
      t.log(`${operators} operators`);
      const some = Array.from({length: images}, () => BY_IMAGE).flat();
      const names = waits.map(({what}) => what);
      // The number of boxes pooled from each level of the pyramid.
      t.deepEqual(names, [...some, 'read-back', ...some, 'read-back', 'event']);
      model.dispose();
    },
  );

  test.serial(
    `a step on ${images} image(s) waits for numbers, the masks' boxes, the losses and the norm`,
    async (t) => {
      const model = await createTiny(binding, DEVICE);
      const {images: pictures, targets} = batch(images);
      const parameters = model.parameters().flatMap(({name, trainable}) => (trainable ? [name] : []));
      const groups = [{parameters, lrMultiplier: 1, weightDecay: 0.01}];
      const optimizer = new binding.Optimizer(model, {...SGD, groups});
      const step = async () => {
        await model.computeLosses(pictures, targets, {backward: true, lossScale: 1});
        await optimizer.step({lr: 0.001, clipNorm: 1});
      };
      await step();
      standIn.takeJournal();
      await step();
      const {waits, operators} = standIn.takeJournal();
      t.log(`${operators} operators`);
      const some = Array.from({length: images}, () => BY_IMAGE).flat();
      const names = waits.map(({what}) => what);
      const [rpnSample, boxSample, maskTargets, losses, norm] = Array(5).fill('event');
      t.deepEqual(names, [...some, rpnSample, boxSample, 'read-back', 'read-back', maskTargets, losses, norm]);
      // Meanwhile the device still has queued work: finding proposals, losses, the mask head, gradients, weight
      // updates.
      for (const {what, ahead} of waits) if (what === 'event') t.true(ahead > 0);
      model.dispose();
    },
  );
}
