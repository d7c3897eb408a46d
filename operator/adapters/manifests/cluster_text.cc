#include "operator/adapters/manifests/cluster_text.h"

#include <utility>

#include "operator/adapters/yaml/yaml_emitter.h"
#include "operator/adapters/yaml/yaml_loader.h"

namespace etcdrestore {

Result<ClusterConfig> ParseClusterConfigText(const std::string& text, const std::string& file) {
  auto documents = LoadYaml(text, file, YamlDialect::kRke);
  if (!documents) return Terminal("ClusterConfigInvalid", documents.error().message);
  if (documents->size() != 1) {
    return Terminal("ClusterConfigInvalid",
                    file + ": want one YAML document, found " + std::to_string(documents->size()));
  }
  YamlDocument& document = documents->front();
  auto config = ParseClusterConfig(document.value);
  if (!config) return config.error().In(file);
  config->warnings.insert(config->warnings.begin(), document.warnings.begin(),
                          document.warnings.end());
  return config;
}

std::string RenderClusterConfigText(const ClusterConfig& config) { return EmitYaml(config.raw); }

Result<ClusterState> ParseClusterStateText(const std::string& text) {
  const auto read_yaml = [](const std::string& yaml,
                            const std::string& what) -> Result<nlohmann::ordered_json> {
    // rke writes it with the same library as kubectl; key names decide, so doubt is refused.
    auto documents = LoadYaml(yaml, what);
    if (!documents) return documents.error();
    if (documents->size() != 1) return Terminal("YamlInvalid", what + ": want one document");
    return std::move(documents->front().value);
  };
  return ParseClusterState(text, read_yaml);
}

}  // namespace etcdrestore
