#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace etcdrestore::testing {

/// A TCP relay to a loopback port that breaks connections: the n-th connection is cut after
/// `cuts[n]` bytes from the server; later ones live. The destructor ends all.
class CuttingProxy {
 public:
  CuttingProxy(int target_port, std::vector<std::size_t> cuts);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  [[nodiscard]] int port() const;
  [[nodiscard]] int connections() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace etcdrestore::testing
