#include "operator/adapters/yaml/yaml_loader.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

#include "operator/adapters/yaml/json_loader.h"
#include "operator/adapters/yaml/yaml_scalar.h"
#include "operator/adapters/yaml/yaml_text.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxBytes = 4U << 20U;
constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxNodes = 100'000;
constexpr std::string_view kStringTag = "tag:yaml.org,2002:str";

/// Leaves yaml-cpp's parser from inside one of its events; caught in LoadYaml.
struct Refusal {
  int line = 1;
  int column = 1;
  std::string what;
};

[[noreturn]] void Refuse(const YAML::Mark& mark, std::string what) {
  throw Refusal{mark.line + 1, mark.column + 1, std::move(what)};
}

/// Builds JSON from yaml-cpp's events, so that nothing is expanded before it was judged.
class Builder final : public YAML::EventHandler {
 public:
  Builder(const std::string& file, YamlDialect dialect, std::vector<int> separators)
      : file_(file), dialect_(dialect), separators_(std::move(separators)) {}

  std::vector<YamlDocument> Take() { return std::move(documents_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    // yaml-cpp takes whatever follows a finished node as the next document.
    const int line = mark.line + 1;
    const auto separators_so_far = std::upper_bound(separators_.begin(), separators_.end(), line);
    const std::ptrdiff_t passed = separators_so_far - separators_.begin();
    if (started_ == 0) passed_at_first_ = passed;
    if (passed - passed_at_first_ < started_) {
      Refuse(mark, "text after the end of the document: --- is missing");
    }
    ++started_;
    document_ = YamlDocument{nullptr, line, {}};
  }
  void OnDocumentEnd() override {
    if (!document_.value.is_null()) documents_.push_back(std::move(document_));
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Admit(mark, anchor);
    if (AwaitsKey()) Refuse(mark, "a key is missing or null: keys are strings, quote it");
    Put(nullptr);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { RefuseAnchor(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    Admit(mark, anchor);
    const bool quoted = tag == "!" || tag == kStringTag;
    if (!quoted && tag != "?") Refuse(mark, fmt::format("tag {} is not supported", tag));
    if (AwaitsKey()) return PutKey(mark, text, quoted);
    Put(quoted ? Json(text) : Plain(mark, text));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, Json::array());
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, Json::object());
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapEnd() override { Close(); }

 private:
  struct Level {
    Json value;
    std::set<std::string> keys;
    std::string key;
    bool has_key = false;
  };

  [[noreturn]] static void RefuseAnchor(const YAML::Mark& mark) {
    Refuse(mark, "anchors and aliases (& and *) are not supported: write the value out");
  }

  void Admit(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) RefuseAnchor(mark);
    if (++nodes_ > kMaxNodes) Refuse(mark, fmt::format("more than {} values", kMaxNodes));
  }

  [[nodiscard]] bool AwaitsKey() const {
    return !levels_.empty() && levels_.back().value.is_object() && !levels_.back().has_key;
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Json empty) {
    Admit(mark, anchor);
    if (!tag.empty() && tag != "?") Refuse(mark, fmt::format("tag {} is not supported", tag));
    if (AwaitsKey()) Refuse(mark, "a key must be a string, not a list or a mapping");
    if (levels_.size() >= kMaxDepth) Refuse(mark, fmt::format("deeper than {} levels", kMaxDepth));
    levels_.push_back(Level{std::move(empty), {}, {}, false});
  }

  void Close() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    Put(std::move(level.value));
  }

  void Put(Json value) {
    if (levels_.empty()) {
      document_.value = std::move(value);
      return;
    }
    Level& parent = levels_.back();
    if (parent.value.is_array()) return parent.value.push_back(std::move(value));
    // ordered_map's own insertion searches the whole mapping; the set above has done so already.
    parent.value.get_ref<Json::object_t&>().emplace_back(parent.key, std::move(value));
    parent.has_key = false;
  }

  void PutKey(const YAML::Mark& mark, const std::string& text, bool quoted) {
    Level& level = levels_.back();
    if (!quoted && text == "<<") Refuse(mark, "merge keys (<<) are not supported: write them out");
    const PlainKind kind = quoted ? PlainKind::kText : ClassifyPlain(text);
    if (kind != PlainKind::kText) {
      Refuse(mark, fmt::format("key {} is not a string to every reader: quote it", text));
    }
    if (!level.keys.insert(text).second) {
      Refuse(mark, fmt::format("key \"{}\" is already set in this mapping", text));
    }
    level.key = text;
    level.has_key = true;
  }

  Json Plain(const YAML::Mark& mark, const std::string& text) {
    const PlainKind kind = ClassifyPlain(text);
    const bool rke = dialect_ == YamlDialect::kRke;
    switch (kind) {
      case PlainKind::kNull:
      case PlainKind::kBool:
      case PlainKind::kInteger:
      case PlainKind::kFloat:
      case PlainKind::kText:
        break;
      case PlainKind::kOldBool:
        if (!rke) RefuseUnclear(mark, text);
        Warn(mark, fmt::format("{} is read as {}, as rke does: write true, false or quote it", text,
                               PlainValue(kind, text).dump()));
        break;
      case PlainKind::kDecimal:
        if (!rke) RefuseUnclear(mark, text);
        Warn(mark, fmt::format("{} is kept as text: quote it, or write a plain number", text));
        break;
      case PlainKind::kSexagesimal:
        if (!rke) RefuseUnclear(mark, text);
        break;
      case PlainKind::kForeignNumber:
        RefuseUnclear(mark, text);
    }
    return PlainValue(kind, text);
  }

  [[noreturn]] static void RefuseUnclear(const YAML::Mark& mark, const std::string& text) {
    Refuse(mark, fmt::format("{} means different things to different YAML readers: quote it if it "
                             "is text, else write true, false or a plain decimal number",
                             text));
  }

  void Warn(const YAML::Mark& mark, const std::string& what) {
    document_.warnings.push_back(
        fmt::format("{}:{}:{}: {}", file_, mark.line + 1, mark.column + 1, what));
  }

  const std::string& file_;
  YamlDialect dialect_;
  std::vector<int> separators_;
  std::vector<YamlDocument> documents_;
  YamlDocument document_;
  std::vector<Level> levels_;
  std::size_t nodes_ = 0;
  std::ptrdiff_t started_ = 0;
  std::ptrdiff_t passed_at_first_ = 0;
};

Error Invalid(const std::string& file, int line, int column, const std::string& what) {
  return Terminal("YamlInvalid", fmt::format("{}:{}:{}: {}", file, line, column, what));
}

Status Parse(const std::string& text, const std::string& file, YamlDialect dialect,
             std::vector<YamlDocument>& documents) {
  std::istringstream input(text);
  Builder builder(file, dialect, SeparatorLines(text));
  try {
    YAML::Parser parser(input);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refusal& refusal) {
    return Invalid(file, refusal.line, refusal.column, refusal.what);
  } catch (const YAML::Exception& failure) {
    return Invalid(file, failure.mark.line + 1, failure.mark.column + 1, failure.msg);
  }
  documents = builder.Take();
  return {};
}

}  // namespace

Result<std::vector<YamlDocument>> LoadYaml(std::string_view text, const std::string& file,
                                           YamlDialect dialect) {
  if (text.size() > kMaxBytes) return Invalid(file, 1, 1, "larger than 4 MiB");
  if (const auto fault = FindTextFault(LooksLikeJson(text) ? std::string_view() : text)) {
    return Invalid(file, fault->line, fault->column, fault->what);
  }
  if (LooksLikeJson(text)) return LoadJson(text, file);
  std::vector<YamlDocument> documents;
  if (auto parsed = Parse(std::string(text), file, dialect, documents); !parsed) {
    return parsed.error();
  }
  // A file that was cut off inside a quoted string: yaml-cpp accepts the rest as the string, but
  // not a document separator in it.
  std::vector<YamlDocument> unused;
  if (!Parse(std::string(text) + "\n---\n", file, dialect, unused)) {
    return Invalid(file, static_cast<int>(std::count(text.begin(), text.end(), '\n')) + 1, 1,
                   "a quoted string is not closed before the end: is the file complete?");
  }
  return documents;
}

}  // namespace etcdrestore
