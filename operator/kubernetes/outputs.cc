// What a run leaves for people: a Secret beside the object, owned by it.
#include "operator/base/base64.h"
#include "operator/base/files.h"
#include "operator/kubernetes/controller.h"
#include "operator/kubernetes/name_start.h"

namespace etcdrestore {
namespace {

/// Somebody else's Secret would be overwritten, and collected with the object.
Status OursOrNone(const Call& call, KubeApi& api, const KubeName& name, const std::string& uid) {
  const auto there = api.Get(call, kSecrets, name);
  if (!there && there.error().reason == "NotFound") return {};
  if (!there) return there.error();
  const KubeObject metadata = there->value("metadata", KubeObject::object());
  for (const KubeObject& owner : metadata.value("ownerReferences", KubeObject::array())) {
    if (owner.value("uid", "") == uid) return {};
  }
  return Terminal("OutputsInTheWay",
                  "a Secret " + name.Key() +
                      " that is not this object's is in the way of the new state "
                      "and kubeconfig");
}

}  // namespace

Status Controller::KeepOutputs(const Call& call, const EtcdRestore& object,
                               const SessionResult& result, nlohmann::ordered_json& status) {
  if (result.made.empty()) return {};
  KubeObject data = KubeObject::object();
  for (const auto& [name, path] : result.made) {
    const auto text = ReadFile(path);
    if (!text) return text.error();
    data[name] = EncodeBase64(*text);
  }
  const KubeName name{object.name_space, NameStart(object.name) + "-outputs"};
  if (Status ours = OursOrNone(call, api_, name, object.uid); !ours) return ours;
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
