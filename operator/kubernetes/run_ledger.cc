#include "operator/kubernetes/run_ledger.h"

#include "operator/base/sha256.h"

namespace etcdrestore {

LedgerVerdict JudgeEntry(const std::optional<LedgerEntry>& entry, const std::string& uid) {
  if (!entry) return LedgerVerdict::kGo;
  if (!entry->finished_at.empty()) return LedgerVerdict::kFinished;
  if (entry->uid == uid || !entry->committed_at.empty()) return LedgerVerdict::kGo;
  return LedgerVerdict::kForeign;
}

KubeName RunLedger::NameOf(const EtcdRestore& object) const {
  return {name_space_, "etcdrestore-run-" + HexSha256(object.RunKey()).substr(0, 20)};
}

KubeObject RunLedger::Named(const EtcdRestore& object, const char* kind) const {
  const KubeName name = NameOf(object);
  return {{"apiVersion", "v1"},
          {"kind", kind},
          {"metadata",
           {{"name", name.name},
            {"namespace", name.name_space},
            {"labels", {{"app.kubernetes.io/managed-by", "etcdrestore"}}}}}};
}

Result<std::optional<LedgerEntry>> RunLedger::Read(const Call& call, const EtcdRestore& object) {
  const auto got = api_.Get(call, kConfigMaps, NameOf(object));
  if (!got && got.error().reason == "NotFound") return std::optional<LedgerEntry>();
  if (!got) return got.error();
  const KubeObject data = got->value("data", KubeObject::object());
  LedgerEntry entry{TextField(data, "runKey"),     TextField(data, "uid"),
                    TextField(data, "startedAt"),  TextField(data, "committedAt"),
                    TextField(data, "finishedAt"), TextField(data, "phase")};
  if (entry.run_key != object.RunKey() || entry.started_at.empty())
    return Terminal("LedgerUnreadable", "ConfigMap " + NameOf(object).Key() +
                                            " is not the record of run " + object.RunKey() +
                                            ": look at it, and give a new runID");
  return std::optional(entry);
}

Status RunLedger::Write(const Call& call, const EtcdRestore& object, const LedgerEntry& entry) {
  KubeObject map = Named(object, "ConfigMap");
  map["data"] = {{"runKey", entry.run_key},         {"uid", entry.uid},
                 {"startedAt", entry.started_at},   {"committedAt", entry.committed_at},
                 {"finishedAt", entry.finished_at}, {"phase", entry.phase}};
  const auto wrote =
      api_.Write(call, {KubeVerb::kApply, kConfigMaps, NameOf(object), "", std::move(map)});
  if (!wrote) return wrote.error();
  return {};
}

Status RunLedger::KeepInputs(const Call& call, const EtcdRestore& object, KubeObject data) {
  KubeObject secret = Named(object, "Secret");
  secret["data"] = std::move(data);
  const auto wrote =
      api_.Write(call, {KubeVerb::kApply, kSecrets, NameOf(object), "", std::move(secret)});
  if (!wrote) return wrote.error();
  return {};
}

Result<std::optional<KubeObject>> RunLedger::Inputs(const Call& call, const EtcdRestore& object) {
  auto got = api_.Get(call, kSecrets, NameOf(object));
  if (!got && got.error().reason == "NotFound") return std::optional<KubeObject>();
  if (!got) return got.error();
  return std::optional(std::move(*got));
}

Status RunLedger::DropInputs(const Call& call, const EtcdRestore& object) {
  const auto gone = api_.Write(call, {KubeVerb::kDelete, kSecrets, NameOf(object), "", {}});
  if (!gone) return gone.error();
  return {};
}

}  // namespace etcdrestore
