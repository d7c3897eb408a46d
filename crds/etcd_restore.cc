#include "crds/etcd_restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "crds/metadata_checks.h"
#include "crds/schema.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

// All readers below rely on the schema: types are right, required fields and defaults are there.

std::string Text(const Json& object, const char* name) { return object.value(name, std::string()); }

Duration Length(const Json& object, const char* name) {
  return ParseDuration(Text(object, name)).value_or(Duration(0));
}

std::optional<SystemTime> Time(const Json& object, const char* name) {
  return object.contains(name) && object[name].is_string() ? ParseTime(Text(object, name))
                                                           : std::nullopt;
}

ValueRef Reference(const Json& value) {
  const bool secret = value.contains("secretRef");
  const Json& target = value[secret ? "secretRef" : "configMapRef"];
  return ValueRef{secret, Text(target, "name"), Text(target, "key")};
}

std::optional<ValueRef> MaybeReference(const Json& object, const char* name) {
  if (!object.contains(name)) return std::nullopt;
  return Reference(object[name]);
}

SourceSpec Source(const Json& source) {
  if (source.contains("s3")) {
    const Json& s3 = source["s3"];
    return S3SourceSpec{Text(s3, "endpoint"),
                        Text(s3, "region"),
                        Text(s3, "bucket"),
                        Text(s3, "prefix"),
                        s3.value("forcePathStyle", false),
                        MaybeReference(s3, "credentials"),
                        MaybeReference(s3, "ca")};
  }
  if (source.contains("nodes")) return NodesSourceSpec{Text(source["nodes"], "directory")};
  if (source.contains("http")) {
    return HttpSourceSpec{Text(source["http"], "url"), MaybeReference(source["http"], "ca")};
  }
  return FileSourceSpec{Text(source["file"], "path")};
}

NodeReplacementSpec Replacement(const Json& entry) {
  const Json& with = entry["with"];
  return NodeReplacementSpec{Text(entry, "address"), Text(with, "address"),
                             Text(with, "internalAddress"), Text(with, "hostnameOverride")};
}

SnapshotSpec Snapshot(const Json& snapshot) {
  SnapshotSpec spec;
  spec.name = Text(snapshot, "name");
  if (snapshot.contains("latest")) {
    spec.latest = snapshot["latest"] == "Any" ? LatestPolicy::kAny : LatestPolicy::kVerified;
  }
  spec.before = Time(snapshot, "before");
  spec.sha256 = Text(snapshot, "sha256");
  std::transform(spec.sha256.begin(), spec.sha256.end(), spec.sha256.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  spec.pki_bundle = Text(snapshot, "pkiBundle");
  return spec;
}

CleanSpec Clean(const Json& clean) {
  return CleanSpec{Text(clean, "containers") == "All", Text(clean, "volumes") == "Anonymous",
                   clean.value("workers", false), Length(clean, "keepOldDataFor")};
}

DeadlineSpec Deadlines(const Json& deadlines) {
  return DeadlineSpec{Length(deadlines, "total"),    Length(deadlines, "preflight"),
                      Length(deadlines, "cleaned"),  Length(deadlines, "fetched"),
                      Length(deadlines, "restored"), Length(deadlines, "up"),
                      Length(deadlines, "restarted")};
}

Strategy ReadStrategy(const std::string& name) {
  if (name == "InPlace") return Strategy::kInPlace;
  if (name == "Rebuild") return Strategy::kRebuild;
  if (name == "Runbook") return Strategy::kRunbook;
  return Strategy::kAuto;
}

EtcdRestoreSpec Spec(const Json& spec) {
  EtcdRestoreSpec out;
  out.cluster_name = Text(spec, "clusterName");
  out.cluster_config = Reference(spec["rke"]["clusterConfig"]);
  out.cluster_state = MaybeReference(spec["rke"], "clusterState");
  out.rke_version = Text(spec["rke"], "version");
  out.ssh_private_key = MaybeReference(spec["ssh"], "privateKey");
  out.ssh_passphrase = MaybeReference(spec["ssh"], "passphrase");
  out.known_hosts = MaybeReference(spec["ssh"], "knownHosts");
  out.host_key_policy = spec["ssh"]["hostKeyPolicy"] == "AcceptNew" ? HostKeyPolicy::kAcceptNew
                                                                    : HostKeyPolicy::kStrict;
  for (const Json& entry : spec.value("replaceNodes", Json::array())) {
    out.replace_nodes.push_back(Replacement(entry));
  }
  out.snapshot = Snapshot(spec["snapshot"]);
  for (const Json& source : spec["sources"]) out.sources.push_back(Source(source));
  out.strategy = ReadStrategy(Text(spec, "strategy"));
  out.clean = Clean(spec["clean"]);
  out.approval = spec["approval"] == "Manual" ? ApprovalMode::kManual : ApprovalMode::kAutomatic;
  out.approved_plan = Text(spec, "approvedPlan");
  out.run_id = Text(spec, "runID");
  out.paused = spec.value("paused", false);
  out.cancel = spec.value("cancel", false);
  out.not_after = Time(spec, "notAfter");
  out.deadlines = Deadlines(spec["deadlines"]);
  out.attempts = spec.value("attempts", 5);
  return out;
}

Error Invalid(const std::vector<Fault>& faults) {
  std::string lines;
  for (const Fault& fault : faults) lines += (lines.empty() ? "" : "\n") + fault.Text();
  return Terminal("ObjectInvalid", lines);
}

}  // namespace

std::string EtcdRestore::RunKey() const {
  return fmt::format("{}/{}/{}/{}", spec.cluster_name, name_space, name, spec.run_id);
}

SystemTime EtcdRestore::NotAfter(SystemTime now) const {
  return spec.not_after.value_or(created.value_or(now) + std::chrono::hours(24));
}

Result<EtcdRestore> ParseEtcdRestore(const Json& object) {
  if (!object.is_object()) return Terminal("ObjectInvalid", "the document is not an object");
  EtcdRestore restore;
  restore.raw = object;
  ApplyDefaults(restore.raw, ObjectSchema());
  std::vector<Fault> faults = CheckMetadata(object);
  // apiVersion and kind were judged above, with a better message.
  for (Fault& fault : CheckSchema(restore.raw, ObjectSchema(), "")) {
    if (fault.path != "apiVersion" && fault.path != "kind" && fault.path != "metadata") {
      faults.push_back(std::move(fault));
    }
  }
  if (!faults.empty()) return Invalid(faults);
  const Json& metadata = restore.raw["metadata"];
  restore.name = Text(metadata, "name");
  restore.name_space = metadata.value("namespace", "default");
  restore.uid = Text(metadata, "uid");
  restore.generation = metadata.value("generation", std::int64_t{0});
  restore.created = Time(metadata, "creationTimestamp");
  restore.spec = Spec(restore.raw["spec"]);
  return restore;
}

Status CheckUpdate(const EtcdRestore& old, const EtcdRestore& now) {
  const auto faults =
      CheckSchema(now.raw["spec"], ObjectSchema()["properties"]["spec"], "spec", &old.raw["spec"]);
  if (!faults.empty()) return Invalid(faults);
  return {};
}

}  // namespace etcdrestore
