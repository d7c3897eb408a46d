#include "operator/adapters/http/s3_xml.h"

#include <charconv>
#include <map>
#include <optional>

#include "operator/adapters/http/url.h"
#include "operator/adapters/http/xml.h"

namespace etcdrestore {
namespace {

constexpr std::size_t kMostObjects = 1000;

/// Text by path of element names below the root, for one object or for the page itself.
using Fields = std::map<std::string, std::string>;

Error Bad(const std::string& what) {
  return Terminal("BadXml", "the server's list of objects cannot be read: " + what);
}

Result<ObjectInfo> MakeObject(const Fields& fields) {
  const auto text = [&fields](const char* name) {
    const auto at = fields.find(name);
    return at == fields.end() ? std::string() : at->second;
  };
  ObjectInfo object;
  object.key = text("Key");
  if (object.key.empty()) return Bad("an object without a Key");
  const std::string size = text("Size");
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), object.size);
  if (error != std::errc() || end != size.data() + size.size() || size.empty())
    return Bad("an object without a Size");
  const std::optional<SystemTime> modified = ParseTime(text("LastModified"));
  if (!modified) return Bad("an object without a LastModified time");
  object.modified = *modified;
  return object;
}

/// Collects a ListBucketResult while its events go by.
class ListBuilder {
 public:
  Status Take(const XmlEvent& event) {
    if (event.kind == XmlEvent::Kind::kStart) return Open(event.name);
    if (event.kind == XmlEvent::Kind::kEnd) return Close();
    if (event.kind == XmlEvent::Kind::kText && !path_.empty()) text_ += event.text;
    return {};
  }

  Result<S3ListPage> Finish() {
    if (page_fields_["EncodingType"] == "url") {
      for (ObjectInfo& object : page_.objects) {
        std::optional<std::string> key = UriDecode(object.key);
        if (!key) return Bad("a key with a broken escape");
        object.key = std::move(*key);
      }
    }
    const std::string& truncated = page_fields_["IsTruncated"];
    if (truncated != "true" && truncated != "false") return Bad("no IsTruncated");
    page_.truncated = truncated == "true";
    page_.next_token = page_fields_["NextContinuationToken"];
    if (page_.truncated && page_.next_token.empty())
      return Bad("it is cut off and has no NextContinuationToken");
    return std::move(page_);
  }

 private:
  Status Open(const std::string& name) {
    if (path_.empty() && name != "ListBucketResult")
      return Bad("it is a <" + name + ">; is the endpoint an S3 server?");
    path_.push_back(name);
    text_.clear();
    if (path_.size() == 2 && name == "Contents") object_.clear();
    return {};
  }
  Status Close() {
    const std::string name = path_.back();
    path_.pop_back();
    if (path_.size() == 2 && path_.back() == "Contents") object_[name] = text_;
    if (path_.size() == 1 && name != "Contents") page_fields_[name] = text_;
    text_.clear();
    if (path_.size() != 1 || name != "Contents") return {};
    if (page_.objects.size() >= kMostObjects) return Bad("more than 1000 objects in one answer");
    Result<ObjectInfo> object = MakeObject(object_);
    if (!object) return object.error();
    page_.objects.push_back(std::move(*object));
    return {};
  }

  std::vector<std::string> path_;
  std::string text_;
  Fields object_;
  Fields page_fields_;
  S3ListPage page_;
};

}  // namespace

Result<S3ListPage> ParseListPage(std::string_view body) {
  XmlReader reader(body);
  ListBuilder builder;
  while (true) {
    Result<XmlEvent> event = reader.Next();
    if (!event) return event.error();
    if (event->kind == XmlEvent::Kind::kDone) return builder.Finish();
    if (Status status = builder.Take(*event); !status) return status.error();
  }
}

S3ErrorBody ParseS3Error(std::string_view body) {
  XmlReader reader(body);
  std::vector<std::string> path;
  Fields fields;
  while (true) {
    Result<XmlEvent> event = reader.Next();
    if (!event || event->kind == XmlEvent::Kind::kDone) break;
    if (event->kind == XmlEvent::Kind::kStart) path.push_back(event->name);
    if (event->kind == XmlEvent::Kind::kEnd) path.pop_back();
    if (event->kind == XmlEvent::Kind::kText && path.size() == 2 && path.front() == "Error")
      fields[path.back()] += event->text;
  }
  return {fields["Code"], fields["Message"], fields["Region"], fields["Endpoint"],
          fields["ServerTime"]};
}

}  // namespace etcdrestore
