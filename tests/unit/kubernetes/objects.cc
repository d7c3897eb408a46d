#include "tests/unit/kubernetes/objects.h"

#include <gtest/gtest.h>

namespace etcdrestore::testing_objects {

KubeObject AnObject() {
  return KubeObject::parse(R"({
    "apiVersion": "etcdrestore.io/v1alpha1", "kind": "EtcdRestore",
    "metadata": {"name": "one", "namespace": "recovery", "uid": "u1", "generation": 1,
                 "creationTimestamp": "2026-11-22T03:00:00Z"},
    "spec": {"clusterName": "prod",
             "rke": {"clusterConfig": {"secretRef": {"name": "rke", "key": "cluster.yml"}}},
             "snapshot": {"latest": "Verified"}, "sources": [{"nodes": {}}], "runID": "r1"}})");
}

KubeObject HalfDoneAt(const std::string& phase) {
  KubeObject object = AnObject();
  object["status"] = {{"phase", phase},
                      {"runID", "r1"},
                      {"observedGeneration", 1},
                      {"pointOfNoReturn", "2026-11-22T03:10:00Z"}};
  return object;
}

EtcdRestore Parsed(const KubeObject& object) {
  KubeObject plain = object;
  plain.erase("status");
  auto parsed = ParseEtcdRestore(plain);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  parsed->raw["status"] = object.value("status", KubeObject::object());
  return *parsed;
}

EtcdRestore WithStatus(const KubeObject& status) {
  KubeObject object = AnObject();
  object["status"] = status;
  return Parsed(object);
}

KubeObject ItsSecret() {
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"metadata", {{"name", "rke"}, {"namespace", "recovery"}}},
          {"data", {{"cluster.yml", "Y2FuYXJ5"}, {"unrelated", "eA=="}}}};
}

}  // namespace etcdrestore::testing_objects
