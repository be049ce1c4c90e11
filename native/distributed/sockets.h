#pragma once

#include <cstdint>
#include <string>

namespace maskrcnn {

// A TCP socket that is bound to this address alone, for the store to listen on. Left to itself the
// store would listen on all interfaces. Of several addresses of a name, it takes the first that
// this machine has. Throws GroupFailure.
int bind_to(const std::string& address, int64_t port);

// Whether this machine knows the name `address`, or it is an IP address.
bool is_known(const std::string& address);

// The IP address of this machine from which `address` is reached. Sends nothing. Throws
// GroupFailure.
std::string own_address_towards(const std::string& address, int64_t port);

}  // namespace maskrcnn
