#include "crds/rules.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>

#include "operator/base/clock.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

std::ptrdiff_t Present(const Json& self, std::initializer_list<const char*> names) {
  return std::count_if(names.begin(), names.end(), [&](auto name) { return self.contains(name); });
}

bool OneReference(const Json& self, const Json*) {
  return Present(self, {"secretRef", "configMapRef"}) == 1;
}

bool OneSnapshotChoice(const Json& self, const Json*) {
  return Present(self, {"name", "latest", "before"}) == 1;
}

bool OneSource(const Json& self, const Json*) {
  return Present(self, {"s3", "nodes", "http", "file"}) == 1;
}

bool NoNodeByItself(const Json& self, const Json*) {
  return std::none_of(self.begin(), self.end(),
                      [](const Json& r) { return r["address"] == r["with"]["address"]; });
}

bool EachMachineOnce(const Json& self, const Json*) {
  return std::all_of(self.begin(), self.end(), [&](const Json& r) {
    return std::count_if(self.begin(), self.end(), [&](const Json& o) {
             return o["with"]["address"] == r["with"]["address"];
           }) == 1;
  });
}

bool InPlaceReplacesNothing(const Json& self, const Json*) {
  return self.value("strategy", "") != "InPlace" || !self.contains("replaceNodes") ||
         self["replaceNodes"].empty();
}

bool DeadlinesLongEnough(const Json& self, const Json*) {
  return std::all_of(self.begin(), self.end(), [](const Json& text) {
    const auto duration = ParseDuration(text.get<std::string>());
    return duration && *duration >= std::chrono::seconds(1);
  });
}

/// Objects are compared without regard to the order of their keys, as CEL does.
bool Same(const Json& self, const Json& old, const char* name) {
  if (self.contains(name) != old.contains(name)) return false;
  return !self.contains(name) || nlohmann::json(self[name]) == nlohmann::json(old[name]);
}

bool SameFields(const Json& self, const Json& old, std::initializer_list<const char*> names) {
  return std::all_of(names.begin(), names.end(),
                     [&](const char* name) { return Same(self, old, name); });
}

bool ChangesOnlyWithRunId(const Json& self, const Json* old) {
  if (!Same(self, *old, "runID")) return true;
  return SameFields(self, *old,
                    {"clusterName", "rke", "snapshot", "sources", "ssh", "replaceNodes", "strategy",
                     "approval", "deadlines", "attempts"}) &&
         self.contains("clean") == old->contains("clean") &&
         (!self.contains("clean") ||
          SameFields(self["clean"], (*old)["clean"], {"containers", "volumes", "workers"}));
}

constexpr auto kRules = std::to_array<Rule>({
    {"exactly one of secretRef, configMapRef is needed", "0e9be9e3e5823104", false, OneReference},
    {"exactly one of name, latest, before is needed", "401be10f2af47091", false, OneSnapshotChoice},
    {"exactly one of s3, nodes, http, file is needed", "769fe5990083a275", false, OneSource},
    {"a node cannot be replaced with itself", "78b1a76a4cb1b891", false, NoNodeByItself},
    {"two nodes cannot be replaced with the same machine", "2a49b7202c2e388b", false,
     EachMachineOnce},
    {"strategy InPlace keeps every node: with replaceNodes use Auto, Rebuild or Runbook",
     "198bfa47e9786c77", false, InPlaceReplacesNothing},
    {"every deadline must be at least 1s", "6d2ed7365fe336bb", false, DeadlinesLongEnough},
    {"may change only together with runID; only approvedPlan, paused, cancel, notAfter and "
     "clean.keepOldDataFor may change at any time",
     "0f996f3dce55e8f8", true, ChangesOnlyWithRunId},
});

}  // namespace

std::span<const Rule> Rules() { return kRules; }

const Rule* FindRule(std::string_view message) {
  const auto found = std::find_if(kRules.begin(), kRules.end(),
                                  [&](const Rule& rule) { return rule.message == message; });
  return found == kRules.end() ? nullptr : &*found;
}

}  // namespace etcdrestore
