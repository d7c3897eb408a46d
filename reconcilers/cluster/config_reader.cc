#include "reconcilers/cluster/config_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <utility>

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

const Json& EmptyMapping() {
  static const Json empty = Json::object();
  return empty;
}

}  // namespace

ConfigReader::ConfigReader(const Json& value, std::string path, Findings& findings)
    : value_(&value), path_(std::move(path)), findings_(&findings) {}

const Json* ConfigReader::Find(const std::string& name) const {
  const auto found = value_->find(name);
  return found == value_->end() || found->is_null() ? nullptr : &*found;
}

std::string ConfigReader::PathOf(const std::string& name) const {
  return path_.empty() ? name : path_ + "." + name;
}

void ConfigReader::Fault(const std::string& name, const std::string& what) const {
  findings_->faults.push_back(PathOf(name) + ": " + what);
}
void ConfigReader::Unsupported(const std::string& name, const std::string& what) const {
  findings_->unsupported.push_back(PathOf(name) + ": " + what);
}
void ConfigReader::Warn(const std::string& name, const std::string& what) const {
  findings_->warnings.push_back(PathOf(name) + ": " + what);
}

std::string ConfigReader::Text(const std::string& name, const std::string& otherwise) const {
  const Json* found = Find(name);
  if (found == nullptr) return otherwise;
  if (found->is_structured()) {
    Fault(name, "is a list or mapping, want text");
    return otherwise;
  }
  std::string text = found->is_string() ? found->get<std::string>() : found->dump();
  return text.empty() ? otherwise : text;
}

std::string ConfigReader::Required(const std::string& name) {
  std::string text = Text(name);
  if (text.empty()) Fault(name, "is required");
  return text;
}

std::vector<std::string> ConfigReader::Texts(const std::string& name) const {
  std::vector<std::string> out;
  const Json* found = Find(name);
  if (found == nullptr) return out;
  if (!found->is_array()) {
    Fault(name, "is not a list");
    return out;
  }
  for (std::size_t i = 0; i < found->size(); ++i) {
    const Json& item = (*found)[i];
    if (item.is_structured() || item.is_null()) {
      Fault(fmt::format("{}[{}]", name, i), "is not text");
    } else {
      out.push_back(item.is_string() ? item.get<std::string>() : item.dump());
    }
  }
  return out;
}

int ConfigReader::Integer(const std::string& name) const {
  const Json* found = Find(name);
  if (found == nullptr) return 0;
  const auto number = found->is_number_integer() ? found->get<std::int64_t>() : -1;
  if (number < 0 || number > std::numeric_limits<int>::max()) {
    Fault(name, "is not a number from 0 on");
    return 0;
  }
  return static_cast<int>(number);
}

bool ConfigReader::Flag(const std::string& name) const {
  const Json* found = Find(name);
  if (found == nullptr) return false;
  if (!found->is_boolean()) {
    Fault(name, "is not true or false");
    return false;
  }
  return found->get<bool>();
}

const Json& ConfigReader::Mapping(const std::string& name) const {
  const Json* found = Find(name);
  if (found == nullptr) return EmptyMapping();
  if (found->is_object()) return *found;
  Fault(name, "is not a mapping");
  return EmptyMapping();
}

ConfigReader ConfigReader::Child(const std::string& name) const {
  return {Mapping(name), PathOf(name), *findings_};
}

std::vector<ConfigReader> ConfigReader::Children(const std::string& name) const {
  std::vector<ConfigReader> out;
  const Json* found = Find(name);
  if (found == nullptr) return out;
  if (!found->is_array()) {
    Fault(name, "is not a list");
    return out;
  }
  for (std::size_t i = 0; i < found->size(); ++i) {
    const std::string item = fmt::format("{}[{}]", name, i);
    if ((*found)[i].is_object()) {
      out.emplace_back((*found)[i], PathOf(item), *findings_);
    } else {
      Fault(item, "is not a mapping");
    }
  }
  return out;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace etcdrestore
