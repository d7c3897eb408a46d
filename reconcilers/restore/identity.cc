#include "reconcilers/restore/identity.h"

#include <fmt/format.h>

#include <algorithm>

#include "operator/base/sha256.h"

namespace etcdrestore {
namespace {

std::uint64_t FirstEight(const std::string& bytes) {
  const auto digest = Sha1Of(bytes);
  std::uint64_t id = 0;
  for (std::size_t i = 0; i < 8; ++i) id = id << 8U | digest[i];
  return id;
}

}  // namespace

std::uint64_t MemberId(std::vector<std::string> peer_urls, const std::string& token) {
  std::sort(peer_urls.begin(), peer_urls.end());
  std::string bytes;
  for (const std::string& url : peer_urls) bytes += url;
  return FirstEight(bytes + token);
}

std::uint64_t ClusterId(std::vector<std::uint64_t> member_ids) {
  std::sort(member_ids.begin(), member_ids.end());
  std::string bytes;
  for (const std::uint64_t id : member_ids) {
    for (unsigned shift = 64; shift > 0; shift -= 8)
      bytes += static_cast<char>(id >> (shift - 8) & 0xFFU);
  }
  return FirstEight(bytes);
}

std::string HexId(std::uint64_t id) { return fmt::format("{:x}", id); }

}  // namespace etcdrestore
