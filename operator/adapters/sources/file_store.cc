#include "operator/adapters/sources/file_store.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace etcdrestore {
namespace {

namespace fs = std::filesystem;

class FileStore final : public ObjectStore {
 public:
  explicit FileStore(std::string path) : path_(std::move(path)) {}

  Result<std::vector<ObjectInfo>> List(const Call& call, const std::string& prefix) override {
    std::vector<ObjectInfo> objects;
    std::error_code error;
    if (fs::is_directory(path_, error)) {
      for (const auto& entry : fs::directory_iterator(path_, error)) {
        if (!entry.is_regular_file(error)) continue;
        if (auto info = Head(call, entry.path().string()); info && info->key.starts_with(prefix))
          objects.push_back(*info);
      }
    } else if (auto info = Head(call, path_); info) {
      objects.push_back(*info);
    } else {
      return info.error();
    }
    if (error) return Terminal("NotFound", "read " + path_ + ": " + error.message());
    std::sort(objects.begin(), objects.end(),
              [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; });
    return objects;
  }

  Result<ObjectInfo> Head(const Call& /*call*/, const std::string& key) override {
    std::error_code error;
    const auto size = fs::file_size(key, error);
    if (error) return Terminal("NotFound", "read " + key + ": " + error.message());
    const auto written = fs::last_write_time(key, error);
    const auto since = std::chrono::file_clock::to_sys(written);
    return ObjectInfo{key, size, std::chrono::time_point_cast<std::chrono::nanoseconds>(since)};
  }

  Result<ObjectInfo> Get(const Call& call, const std::string& key, const ByteSink& sink) override {
    auto info = Head(call, key);
    if (!info) return info.error();
    std::ifstream file(key, std::ios::binary);
    std::string buffer(1U << 20U, '\0');
    while (file.good()) {
      if (const auto over = call.Over()) return *over;
      file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
      const auto count = static_cast<std::size_t>(file.gcount());
      if (count == 0) break;
      if (Status took = sink(std::string_view(buffer.data(), count)); !took) return took.error();
    }
    if (file.bad() || !file.eof()) return Terminal("NotFound", "read " + key + " failed");
    return info;
  }

  Result<Secret> Presign(const std::string& key, std::chrono::seconds /*validity*/,
                         SystemTime /*now*/) override {
    return Terminal("NotFound", key + " is a file on this machine; nodes cannot download it");
  }
  [[nodiscard]] std::string Describe() const override { return "file " + path_; }

 private:
  std::string path_;
};

}  // namespace

std::unique_ptr<ObjectStore> MakeFileStore(std::string path) {
  return std::make_unique<FileStore>(std::move(path));
}

}  // namespace etcdrestore
