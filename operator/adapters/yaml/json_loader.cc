#include "operator/adapters/yaml/json_loader.h"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxNodes = 100'000;

/// Builds the value itself, because nlohmann's own builder keeps the last of two equal keys and
/// searches the whole object for each.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return Put(nullptr); }
  bool boolean(bool value) override { return Put(value); }
  bool number_integer(number_integer_t value) override { return Put(value); }
  bool number_unsigned(number_unsigned_t value) override {
    // Kubernetes knows signed integers only; the schema's type check wants one kind.
    if (value > static_cast<number_unsigned_t>(INT64_MAX)) return Fail("integer over 64 bits");
    return Put(static_cast<number_integer_t>(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return Put(value); }
  bool string(string_t& value) override { return Put(std::move(value)); }
  bool binary(binary_t&) override { return Fail("binary value"); }
  bool start_object(std::size_t) override { return Open(Json::object()); }
  bool start_array(std::size_t) override { return Open(Json::array()); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool key(string_t& name) override {
    if (!levels_.back().keys.insert(name).second) {
      return Fail(fmt::format("key \"{}\" is set twice in the same object", name));
    }
    levels_.back().key = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return Fail(fmt::format("not JSON at byte {}", position));
  }

  Json root;
  std::string fault;

 private:
  struct Level {
    Json value;
    std::set<std::string> keys;
    std::string key;
  };

  bool Fail(std::string what) {
    if (fault.empty()) fault = std::move(what);
    return false;
  }
  bool Open(Json empty) {
    if (levels_.size() >= kMaxDepth) return Fail(fmt::format("deeper than {} levels", kMaxDepth));
    levels_.push_back(Level{std::move(empty), {}, {}});
    return true;
  }
  bool Close() {
    Json closed = std::move(levels_.back().value);
    levels_.pop_back();
    return Put(std::move(closed));
  }
  bool Put(Json item) {
    if (++nodes_ > kMaxNodes) return Fail(fmt::format("more than {} values", kMaxNodes));
    if (levels_.empty()) {
      root = std::move(item);
    } else if (levels_.back().value.is_array()) {
      levels_.back().value.push_back(std::move(item));
    } else {
      levels_.back().value.get_ref<Json::object_t&>().emplace_back(levels_.back().key,
                                                                   std::move(item));
    }
    return true;
  }

  std::vector<Level> levels_;
  std::size_t nodes_ = 0;
};

}  // namespace

bool LooksLikeJson(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || (text[first] != '{' && text[first] != '[')) return false;
  return Json::accept(text);
}

Result<std::vector<YamlDocument>> LoadJson(std::string_view text, const std::string& file) {
  Builder builder;
  if (!Json::sax_parse(text, &builder)) {
    return Terminal("YamlInvalid", fmt::format("{}: {}", file, builder.fault));
  }
  std::vector<YamlDocument> documents;
  documents.push_back(YamlDocument{std::move(builder.root), 1, {}});
  return documents;
}

}  // namespace etcdrestore
