#include "operator/snapshot/mvcc.h"

#include <fmt/format.h>

#include "operator/snapshot/bolt_page.h"
#include "operator/snapshot/wire.h"

namespace etcdrestore {
namespace {

constexpr std::size_t kRevision = 17;  // 8 + '_' + 8
constexpr std::size_t kTombstone = 18;
constexpr std::uint32_t kKeyTag = 1;    // mvccpb.KeyValue.key
constexpr std::uint32_t kValueTag = 5;  // mvccpb.KeyValue.value

std::int64_t BigEndian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes.substr(0, 8)) value = value << 8U | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(value);
}

}  // namespace

Result<std::int64_t> MainRevision(std::string_view revision) {
  const bool shaped =
      revision.size() == kRevision || (revision.size() == kTombstone && revision[kRevision] == 't');
  if (!shaped || revision[8] != '_')
    return BoltDamaged(fmt::format("a revision of {} bytes is malformed", revision.size()));
  const std::int64_t main = BigEndian(revision);
  if (main < 0) return BoltDamaged("a revision is negative");
  return main;
}

Status KeySpace::Add(std::string_view revision_key, std::string_view key_value) {
  const auto main = MainRevision(revision_key);
  if (!main) return main.error();
  std::string_view key;
  std::string_view value;
  WireReader reader(key_value);
  while (const auto field = reader.Next()) {
    if (field->is_bytes && field->tag == kKeyTag) key = field->bytes;
    if (field->is_bytes && field->tag == kValueTag) value = field->bytes;
  }
  if (!reader.ok())
    return BoltDamaged(fmt::format("the record of revision {} cannot be decoded", *main));
  ++entries_;
  revision_ = *main;
  // `--bump-revision` leaves an empty record at the new revision: it names no key.
  if (key.empty()) return {};
  if (revision_key.size() == kTombstone) {
    live_.erase(key);
  } else {
    live_.insert_or_assign(key, value);
  }
  return {};
}

}  // namespace etcdrestore
