#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aten.h"
#include "distributed/group_failure.h"

namespace maskrcnn {

struct GroupOptions {
  int64_t rank;  // of this process, 0..size-1
  int64_t size;
  std::string address;  // of the store: a name or an IP address of rank 0's machine
  int64_t port;
  bool serves;            // whether this process runs the store; false if a launcher runs it
  std::string prefix;     // of this group's keys in the store
  std::string interface;  // to listen on, such as eth0; empty: the one that leads to `address`
  double timeout;         // seconds that a rank may keep the others waiting
  std::string host;       // this machine's name, for messages
};

// Processes that compute together: libtorch's c10d with its store and Gloo, and for tensors of GPUs
// NCCL. All ranks must call the same functions in the same order. A function that cannot succeed
// throws GroupFailure on every rank, with one message. The group has then failed for good.
class Group {
 public:
  // Does not wait. From now on, close_all() of this owner closes the group.
  Group(const GroupOptions& options, const void* owner);
  ~Group();
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  // Waits until all ranks have joined. To be called once, before all functions below.
  void join();

  int64_t rank() const;
  int64_t size() const;

  // From now on, also tensors of `device` may be given to the functions below. Each rank has a
  // device of its own. The library of native/nccl must have been opened.
  void use_device(at::Device device);

  // A sum over all ranks that is on its way.
  class Sum {
   public:
    virtual ~Sum() = default;
    virtual void wait() = 0;
  };
  // Replaces `values` (contiguous) by its sum over all ranks, the same bits on each.
  std::unique_ptr<Sum> begin_sum(const at::Tensor& values);
  void sum(const at::Tensor& values) { begin_sum(values)->wait(); }

  // Replaces `values` (contiguous) by those of rank 0.
  void broadcast(const at::Tensor& values);
  // `values` of every rank, one row for each: [n] -> [size,n]. The same length on each.
  at::Tensor gather_rows(const at::Tensor& values);
  // `bytes` of every rank, [n] u8 each on the CPU, by rank. They may differ in length.
  std::vector<at::Tensor> gather(const at::Tensor& bytes);

  // Says that rank 0 has come to the point `name`; the others wait for that, however long it takes
  // rank 0.
  void pass(const std::string& name);

  // Ends the group with `words` as the reason on all ranks: this rank cannot go on. Does not throw.
  void fail(const std::string& words);

  // Every open group of `owner` stops its thread and closes its connections, without waiting for
  // operations. If the process ends, that itself tells the other ranks; otherwise those that wait
  // for an operation of this one are told. Threads may call this at the same time.
  static void close_all(const void* owner, bool process_ends);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace maskrcnn
