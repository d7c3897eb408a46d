#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace etcdrestore {

/// etcd's ids, as its server computes them (measured on 3.5.35, design 4.12): member id = first 8
/// bytes of SHA1(sorted peer URLs + token), cluster id = first 8 bytes of SHA1(sorted member ids,
/// big-endian).
std::uint64_t MemberId(std::vector<std::string> peer_urls, const std::string& token);
std::uint64_t ClusterId(std::vector<std::uint64_t> member_ids);

/// Hexadecimal as etcd writes ids in its logs.
std::string HexId(std::uint64_t id);

}  // namespace etcdrestore
