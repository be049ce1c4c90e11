#include "distributed/sockets.h"

#ifndef _WIN32

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "distributed/group_failure.h"

namespace maskrcnn {

namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Addresses resolve(const std::string& address, int64_t port, int kind) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = kind;
  addrinfo* found = nullptr;
  const auto code = getaddrinfo(address.c_str(), std::to_string(port).c_str(), &wanted, &found);
  if (code != 0) {
    throw GroupFailure(
        "The address of the group's store must be known here, and " + address +
        " is not: " + gai_strerror(code) + ".");
  }
  return {found, freeaddrinfo};
}

// Closes a socket that is not handed on.
struct Socket {
  explicit Socket(const addrinfo& to)
      : handle(socket(to.ai_family, to.ai_socktype, to.ai_protocol)) {}
  ~Socket() {
    if (handle >= 0) close(handle);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int handle;
};

std::string to_text(const sockaddr* address, socklen_t length) {
  std::array<char, NI_MAXHOST> text{};
  getnameinfo(address, length, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
  return text.data();
}

}  // namespace

int bind_to(const std::string& address, int64_t port) {
  const auto found = resolve(address, port, SOCK_STREAM);
  int reason = EADDRNOTAVAIL;
  for (const auto* to = found.get(); to != nullptr; to = to->ai_next) {
    Socket socket(*to);
    const int on = 1;
    // Otherwise a run that follows on another at once would find the port in use.
    setsockopt(socket.handle, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(socket.handle, to->ai_addr, to->ai_addrlen) == 0)
      return std::exchange(socket.handle, -1);
    if (reason == EADDRNOTAVAIL) reason = errno;
  }
  throw GroupFailure(
      "Rank 0 must serve the group's store at " + address + ":" + std::to_string(port) +
      ", and cannot: " + std::strerror(reason) + ".");
}

bool is_known(const std::string& address) {
  try {
    resolve(address, /*port=*/1, SOCK_STREAM);
    return true;
  } catch (const GroupFailure&) {
    return false;
  }
}

std::string own_address_towards(const std::string& address, int64_t port) {
  const auto found = resolve(address, port, SOCK_DGRAM);
  std::string reason = "no route";
  for (const auto* to = found.get(); to != nullptr; to = to->ai_next) {
    const Socket socket(*to);
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    auto* const place = reinterpret_cast<sockaddr*>(&own);
    // For datagrams, this only chooses the route.
    if (connect(socket.handle, to->ai_addr, to->ai_addrlen) == 0 &&
        getsockname(socket.handle, place, &length) == 0)
      return to_text(place, length);
    reason = std::strerror(errno);
  }
  throw GroupFailure("No interface of this machine leads to " + address + ": " + reason + ".");
}

}  // namespace maskrcnn

#endif
