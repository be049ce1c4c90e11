#pragma once

#include <array>
#include <memory>
#include <vector>

#include "distributed/gradient_sums.h"
#include "layers/batch_norm.h"
#include "model/mask_rcnn.h"

namespace maskrcnn::binding {

// What a model adds to a group whose processes train copies of it: each computes its share of a
// batch, and the sums over all are the losses and gradients of the whole batch.
//
// The mean of the ranks' gradients would be another thing: each loss is a mean over what was
// sampled, which differs in number from rank to rank. So each loss of a rank is multiplied by its
// own number of samples and divided by that of all ranks; then their sum is the mean over all.
class SharedTraining {
 public:
  // Gives all ranks the values of rank 0. `wire`: see GradientSums. With `sync_batch_norm`, batch
  // norms normalize by the images of all ranks; else by each rank's own, as
  // DistributedDataParallel does.
  SharedTraining(
      std::shared_ptr<maskrcnn::Group> group,
      const std::shared_ptr<MaskRCNN>& network,
      at::ScalarType wire,
      bool sync_batch_norm);
  ~SharedTraining();
  SharedTraining(const SharedTraining&) = delete;
  SharedTraining& operator=(const SharedTraining&) = delete;

  struct Outcome {
    std::array<double, 5> losses;  // of the whole batch, in the order of MaskRCNNLosses
    int64_t images;                // of the whole batch
    // Seconds that this rank has waited for the others: until the last one was through with its
    // forward pass; and for sums, after and, if norms exchange them, in the backward pass.
    double waited, summed;
  };
  // Adds the gradients of the batch, multiplied by `loss_scale`. With `completes`, they are then
  // the sums over all ranks, of this and of earlier batches. There may be no image.
  Outcome compute(
      const std::vector<at::Tensor>& images,
      std::vector<Target> targets,
      Generators generators,
      double loss_scale,
      bool completes);

 private:
  std::shared_ptr<const ops::Exchange> make_exchange();
  int64_t over_all_ranks(int64_t count) const;
  // Norms that each rank normalizes by itself: their running statistics become the means over all
  // images of the batch.
  void average_statistics(int64_t own, double all) const;

  std::shared_ptr<maskrcnn::Group> group_;
  std::shared_ptr<MaskRCNN> network_;
  GradientSums gradients_;
  std::vector<BatchNorm2d*> synced_;    // norms that normalize by the images of all ranks
  double exchanged_ = 0;                // seconds of their exchanges in the pass so far
  std::vector<at::Tensor> statistics_;  // running means and variances of the other norms
  std::vector<at::Tensor> batches_;     // their numbers of batches
};

}  // namespace maskrcnn::binding
