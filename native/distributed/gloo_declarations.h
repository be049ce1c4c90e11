// libtorch's wheels lack the headers of Gloo, which c10d's ProcessGroupGloo.hpp includes. These are
// the declarations that it mentions. Nothing here is called or built from this side: libtorch_cpu
// has the definitions. CMakeLists.txt puts files of Gloo's names in the include path, which include
// this one.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
  std::chrono::milliseconds getTimeout() const;
};

namespace transport {

class Device;

class UnboundBuffer {
 public:
  virtual ~UnboundBuffer() = 0;
};

}  // namespace transport

namespace rendezvous {

// A newer Gloo has more virtual functions here. So no class that derives from this one may be made
// on this side.
class Store {
 public:
  virtual ~Store() = default;
  virtual void set(const std::string& key, const std::vector<char>& data) = 0;
  virtual std::vector<char> get(const std::string& key) = 0;
  virtual void wait(const std::vector<std::string>& keys) = 0;
  virtual void wait(
      const std::vector<std::string>& keys, const std::chrono::milliseconds& timeout) = 0;
};

}  // namespace rendezvous

}  // namespace gloo
