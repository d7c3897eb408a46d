#pragma once

namespace etcdrestore::testing {

/// A listening TCP socket on 127.0.0.1 with a port that the kernel chose. Aborts on failure: a test
/// machine without loopback is not one.
struct Listener {
  int fd = -1;
  int port = 0;
};
Listener ListenOnLoopback();

/// -1 when nobody listens.
int ConnectToLoopback(int port);

}  // namespace etcdrestore::testing
