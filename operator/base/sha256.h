#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace etcdrestore {

using Sha256Bytes = std::array<std::uint8_t, 32>;

/// Incremental SHA-256. Not copyable; one thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void Update(std::string_view bytes);
  /// The digest of all bytes so far; the computation goes on.
  [[nodiscard]] Sha256Bytes Current() const;
  /// Ends the computation; call once.
  Sha256Bytes Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Sha256Bytes Sha256Of(std::string_view bytes);
/// First 20 bytes of SHA-1: etcd's member and cluster ids are made with it. Not for security.
std::array<std::uint8_t, 20> Sha1Of(std::string_view bytes);
std::string Hex(std::string_view bytes);
std::string HexSha256(std::string_view bytes);
template <std::size_t N>
std::string Hex(const std::array<std::uint8_t, N>& bytes) {
  return Hex(std::string_view(reinterpret_cast<const char*>(bytes.data()), N));
}

}  // namespace etcdrestore
