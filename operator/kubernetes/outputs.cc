// What a run leaves for people: a Secret beside the object, owned by it.
#include "operator/base/base64.h"
#include "operator/base/files.h"
#include "operator/kubernetes/controller.h"

namespace etcdrestore {

Status Controller::KeepOutputs(const Call& call, const EtcdRestore& object,
                               const SessionResult& result, nlohmann::ordered_json& status) {
  if (result.made.empty()) return {};
  KubeObject data = KubeObject::object();
  for (const auto& [name, path] : result.made) {
    const auto text = ReadFile(path);
    if (!text) return text.error();
    data[name] = EncodeBase64(*text);
  }
  const KubeName name{object.name_space, object.name.substr(0, 200) + "-outputs"};
  const KubeObject owner = {{"apiVersion", "etcdrestore.io/v1alpha1"},
                            {"kind", "EtcdRestore"},
                            {"name", object.name},
                            {"uid", object.uid},
                            {"controller", true}};
  const KubeObject secret = {{"apiVersion", "v1"},
                             {"kind", "Secret"},
                             {"metadata",
                              {{"name", name.name},
                               {"namespace", name.name_space},
                               {"ownerReferences", KubeObject::array({owner})}}},
                             {"data", data}};
  const auto wrote = api_.Write(call, {KubeVerb::kApply, kSecrets, name, "", secret});
  if (!wrote) return wrote.error();
  status["outputs"]["clusterState"] = "secret/" + name.name;
  if (result.made.contains("kube_config_cluster.yml"))
    status["outputs"]["kubeconfig"] = "secret/" + name.name;
  return {};
}

}  // namespace etcdrestore
