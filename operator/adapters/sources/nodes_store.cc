#include "operator/adapters/sources/nodes_store.h"

#include <algorithm>
#include <cstdlib>

namespace etcdrestore {
namespace {

/// Prints "size mtime path" of every regular file in $1; a missing folder is an empty one.
constexpr const char* kList =
    "[ -d \"$1\" ] || exit 0; find \"$1\" -maxdepth 1 -type f -printf '%s %T@ %p\\n'";

class NodesStore final : public ObjectStore {
 public:
  NodesStore(std::vector<SnapshotNode> nodes, std::string directory)
      : nodes_(std::move(nodes)), directory_(std::move(directory)) {}

  Result<std::vector<ObjectInfo>> List(const Call& call, const std::string& /*prefix*/) override {
    std::vector<ObjectInfo> objects;
    std::string unread;
    for (const SnapshotNode& node : nodes_) {
      Command command;
      command.argv = {"sh", "-c", kList, "etcdrestore", directory_};
      const auto listed = node.node->Run(call, command);
      if (!listed || listed->exit_code != 0 || listed->truncated) {
        unread += (unread.empty() ? "" : "; ") + node.name + ": " +
                  (listed ? listed->err : listed.error().message);
        continue;
      }
      Take(node.name, listed->out, objects);
    }
    if (objects.empty() && !unread.empty())
      return Transient("Unavailable", "list " + directory_ + " on " + unread);
    std::sort(objects.begin(), objects.end(),
              [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; });
    return objects;
  }

  Result<ObjectInfo> Head(const Call& call, const std::string& key) override {
    auto objects = List(call, "");
    if (!objects) return objects.error();
    for (const ObjectInfo& object : *objects) {
      if (object.key == key) return object;
    }
    return Terminal("NotFound", key + " is not there");
  }

  Result<ObjectInfo> Get(const Call& call, const std::string& key, const ByteSink& sink) override {
    auto info = Head(call, key);
    if (!info) return info.error();
    const std::size_t colon = key.find(':');
    std::uint64_t received = 0;
    Command command;
    command.argv = {"cat", "--", key.substr(colon + 1)};
    command.output = [&](std::string_view bytes) -> Status {
      received += bytes.size();
      return sink(bytes);
    };
    for (const SnapshotNode& node : nodes_) {
      if (node.name != key.substr(0, colon)) continue;
      const auto read = node.node->Run(call, command);
      if (!read) return read.error();
      if (read->exit_code != 0 || received != info->size) {
        return Transient("ShortBody", "read " + key + ": " + std::to_string(received) + " of " +
                                          std::to_string(info->size) + " bytes, " + read->err);
      }
    }
    return info;
  }

  Result<Secret> Presign(const std::string& key, std::chrono::seconds /*validity*/,
                         SystemTime /*now*/) override {
    return Terminal("NotFound", key + " lies on a node; others cannot download it");
  }
  [[nodiscard]] std::string Describe() const override { return "the nodes' own " + directory_; }

 private:
  static void Take(const std::string& node, const std::string& text,
                   std::vector<ObjectInfo>& objects) {
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      const std::string line = text.substr(at, end - at);
      at = end + 1;
      const std::size_t first = line.find(' ');
      const std::size_t second = line.find(' ', first + 1);
      if (first == std::string::npos || second == std::string::npos) continue;
      const double seconds = std::strtod(line.c_str() + first + 1, nullptr);
      const auto since =
          std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
      objects.push_back({node + ":" + line.substr(second + 1),
                         std::strtoull(line.c_str(), nullptr, 10), SystemTime(since)});
    }
  }

  std::vector<SnapshotNode> nodes_;
  std::string directory_;
};

}  // namespace

std::unique_ptr<ObjectStore> MakeNodesStore(std::vector<SnapshotNode> nodes,
                                            std::string directory) {
  return std::make_unique<NodesStore>(std::move(nodes), std::move(directory));
}

}  // namespace etcdrestore
