#include "operator/kubernetes/api_values.h"

#include "operator/base/base64.h"
#include "operator/base/sha256.h"

namespace etcdrestore {
namespace {

std::optional<std::string> ValueIn(const KubeObject& object, const std::string& key) {
  for (const char* field : {"data", "binaryData"}) {
    const auto values = object.find(field);
    if (values == object.end() || !values->is_object()) continue;
    const auto value = values->find(key);
    if (value == values->end() || !value->is_string()) continue;
    const bool plain = object.value("kind", "") == "ConfigMap" && std::string(field) == "data";
    return plain ? value->get<std::string>() : DecodeBase64(value->get<std::string>());
  }
  return std::nullopt;
}

/// A key of the data of a Secret may hold 253 letters, digits, '-', '_' and '.'.
std::string CopyKey(const std::string& id) { return HexSha256(id); }

/// Every reference of the spec, also those that may be missing.
std::vector<std::pair<std::string, ValueRef>> AllReferences(const EtcdRestoreSpec& spec) {
  auto references = ReferencesOf(spec);
  for (const SourceSpec& source : spec.sources) {
    const auto* s3 = std::get_if<S3SourceSpec>(&source);
    if (s3 == nullptr || !s3->credentials) continue;
    ValueRef token = *s3->credentials;
    token.key = "sessionToken";
    references.emplace_back("", token);
  }
  return references;
}

}  // namespace

std::string ApiValues::IdOf(const ValueRef& reference) {
  return (reference.secret ? "Secret " : "ConfigMap ") + reference.name + " " + reference.key;
}

Result<ApiValues> ApiValues::Read(const Call& call, KubeApi& api, const EtcdRestore& object) {
  ApiValues values;
  values.name_space_ = object.name_space;
  std::map<std::string, KubeObject> read;
  for (const auto& [path, reference] : AllReferences(object.spec)) {
    const KubeType& type = reference.secret ? kSecrets : kConfigMaps;
    const std::string id = type.plural + " " + reference.name;
    if (!read.contains(id)) {
      auto got = api.Get(call, type, {object.name_space, reference.name});
      if (!got && got.error().reason != "NotFound") return got.error().In(path);
      read[id] = got ? std::move(*got) : KubeObject::object();
      read[id]["kind"] = reference.secret ? "Secret" : "ConfigMap";
    }
    if (auto value = ValueIn(read[id], reference.key))
      values.values_.emplace(IdOf(reference), Secret(std::move(*value)));
  }
  return values;
}

Result<Secret> ApiValues::Resolve(const ValueRef& reference) const {
  const auto found = values_.find(IdOf(reference));
  if (found != values_.end()) return found->second;
  return Terminal("ReferenceNotFound", std::string(reference.secret ? "Secret " : "ConfigMap ") +
                                           name_space_ + "/" + reference.name +
                                           " is not there or has no key " + reference.key);
}

KubeObject ApiValues::CopyOf() const {
  KubeObject data = KubeObject::object();
  for (const auto& [id, value] : values_) data[CopyKey(id)] = EncodeBase64(value.Reveal());
  return data;
}

std::size_t ApiValues::bytes() const {
  std::size_t sum = 0;
  for (const auto& [id, value] : values_) sum += value.Reveal().size();
  return sum;
}

ApiValues ApiValues::FromCopy(const KubeObject& secret, const EtcdRestore& object) {
  ApiValues values;
  values.name_space_ = object.name_space;
  const KubeObject data = secret.value("data", KubeObject::object());
  for (const auto& [path, reference] : AllReferences(object.spec)) {
    const auto value = data.find(CopyKey(IdOf(reference)));
    if (value == data.end() || !value->is_string()) continue;
    if (auto text = DecodeBase64(value->get<std::string>()))
      values.values_.emplace(IdOf(reference), Secret(std::move(*text)));
  }
  return values;
}

}  // namespace etcdrestore
