#include "reconcilers/restore/preflight.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace etcdrestore {
namespace {

constexpr double kSkewWarn = 1;    // seconds; etcd complains above one
constexpr double kSkewBlock = 30;  // certificates and leases stop making sense
/// etcd makes its log in pieces of 64 MB and always has the next one ready (etcd 3.5
/// server/storage/wal: SegmentSizeBytes, filePipeline).
constexpr std::uint64_t kWalBytes = 2 * (64ULL << 20U);

std::string SizeText(std::uint64_t bytes) {
  const bool small = bytes < (1U << 20U);
  return fmt::format("{} {}", bytes >> (small ? 10U : 20U), small ? "KiB" : "MiB");
}

Check Ok(const std::string& node, std::string subject, std::string seen) {
  return {node, std::move(subject), Verdict::kOk, std::move(seen), ""};
}
Check Failed(const std::string& node, std::string subject, std::string seen, std::string advice) {
  return {node, std::move(subject), Verdict::kFailed, std::move(seen), std::move(advice)};
}

Check CheckDocker(const TargetNode& node, const NodeFacts& facts) {
  if (!facts.docker_version.empty() && facts.containers)
    return Ok(node.name, "docker", facts.docker_version);
  return Failed(node.name, "docker", "does not answer: " + facts.docker_error,
                "start it on the node (systemctl start docker) and look at its log");
}

Check CheckClock(const TargetNode& node, const NodeFacts& facts) {
  const double skew = std::fabs(facts.skew);
  const std::string seen = skew == 0 ? std::string("the same as here")
                                     : fmt::format("{:+.1f} s from this machine", facts.skew);
  if (skew > kSkewBlock)
    return Failed(node.name, "clock", seen,
                  "set the node's clock (NTP); certificates and leases depend on it");
  if (skew > kSkewWarn)
    return {node.name, "clock", Verdict::kNote, seen,
            "etcd wants less than a second between nodes"};
  return Ok(node.name, "clock", seen);
}

Check CheckRecord(const Target& target, const TargetNode& node, const NodeFacts& facts) {
  if (!facts.receipt_error.empty())
    return {node.name, "record", Verdict::kUnknown, facts.receipt_error, "see above"};
  if (!facts.receipt || OfThisRun(target, facts)) return Ok(node.name, "record", "no other run");
  const Receipt& other = *facts.receipt;
  if (other.stage == Stage::kFinished)
    return Ok(node.name, "record", "last run " + other.run_key + " finished");
  return {node.name, "record", Verdict::kNote,
          "run " + other.run_key + " stopped at stage " + StageName(other.stage),
          "this run takes over what it left; the oldest kept data stays at " + other.old_data_path};
}

Check CheckDisk(const TargetNode& node, const NodeFacts& facts, std::uint64_t db_bytes) {
  const std::uint64_t data = 3 * db_bytes + kWalBytes;
  const std::uint64_t stage = 2 * db_bytes + (16ULL << 20U);
  const std::string seen =
      fmt::format("{} free for etcd data, {} under /opt/rke", SizeText(facts.data.data_available),
                  SizeText(facts.data.stage_available));
  if (facts.data.data_available >= data && facts.data.stage_available >= stage)
    return Ok(node.name, "disk", seen);
  return Failed(node.name, "disk", seen,
                fmt::format("needed: {} for etcd data (three times the snapshot and the log) and "
                            "{} under /opt/rke; make room on the node",
                            SizeText(data), SizeText(stage)));
}

Check CheckImage(const TargetNode& node, const NodeFacts& facts, const std::string& image) {
  if (image.empty()) {
    return Failed(node.name, "etcd image", "no etcd image is known",
                  "name it in cluster.yml (system_images.etcd) and load it on the etcd nodes");
  }
  const bool present =
      std::find(facts.images.begin(), facts.images.end(), image) != facts.images.end();
  if (!present)
    return Failed(node.name, "etcd image", image + " is not on the node",
                  "docker pull it there, or docker save | ssh | docker load from another node");
  if (facts.etcdutl.empty())
    return {node.name, "etcd image", Verdict::kNote,
            image + " is there; its tool was not tried, because another node was not seen", ""};
  if (facts.etcdutl == "missing")
    return Failed(node.name, "etcd image", image + " has no etcdutl",
                  "etcd 3.5 or newer is needed for a native restore");
  if (facts.etcdutl != "bump" && facts.etcdutl != "plain")
    return {node.name, "etcd image", Verdict::kUnknown,
            "whether " + image + " has a working etcdutl could not be told: " + facts.etcdutl,
            "run again; if it stays, look at docker's log on the node"};
  return Ok(node.name, "etcd image",
            image + (facts.etcdutl_can_bump ? ", revisions will be bumped"
                                            : ", its tool cannot bump revisions"));
}

void CheckNode(const PreflightInput& input, const TargetNode& node, std::vector<Check>& checks) {
  const NodeFacts* facts = input.seen.Of(node);
  if (facts == nullptr) {
    const auto error = input.seen.errors.find(node.name);
    const bool looked = error != input.seen.errors.end();
    const std::string what = looked ? error->second.message : "was not looked at";
    // A node that answers but refuses us is not dead; its error says what to do.
    const bool silent = looked && error->second.kind == ErrorKind::kTransient;
    checks.push_back({node.name, "look", Verdict::kUnknown, what,
                      silent ? "mend the connection; only if the machine is gone for good, name it "
                               "in spec.replaceNodes"
                             : "",
                      silent});
    return;
  }
  checks.push_back(Ok(node.name, "access", facts->access));
  checks.push_back(CheckDocker(node, *facts));
  checks.push_back(CheckClock(node, *facts));
  checks.push_back(CheckRecord(input.target, node, *facts));
  if (!node.etcd) return;
  if (input.snapshot != nullptr)
    checks.push_back(CheckDisk(node, *facts, input.snapshot->facts.size_bytes));
  checks.push_back(CheckImage(node, *facts, input.etcd_image));
}

Check CheckSnapshot(const ChosenSnapshot& snapshot) {
  const SnapshotFacts& facts = snapshot.facts;
  std::string seen = fmt::format("{} from {}: revision {}, {} keys, {}, sha256 {}", snapshot.name,
                                 snapshot.source, facts.revision, facts.live_keys,
                                 SizeText(facts.size_bytes), facts.sha256.substr(0, 16));
  if (facts.has_kube_system) return Ok("", "snapshot", seen);
  return {"", "snapshot", Verdict::kNote, seen + "; it holds no namespace kube-system",
          "it may be the snapshot of an empty cluster; it is taken because it was named exactly"};
}

/// The snapshot's own copy of the cluster's CA against a certificate seen elsewhere.
Check CompareCa(const std::string& node, const std::string& where, const std::string& in_snapshot,
                const std::string& seen) {
  if (in_snapshot == seen) return Ok(node, "kube-ca", "the same as in the snapshot");
  return Failed(node, "kube-ca",
                where + " has " + seen + ", the snapshot's cluster has " + in_snapshot,
                "this snapshot is of another cluster, or the cluster got a new CA since; choose a "
                "snapshot of this cluster");
}

/// A key that encrypted something in the snapshot and that the API server would not get
/// (design 4.13). The reader gives prefixes "k8s:enc:<provider>:v1:<key>", the state gives
/// "<provider>:<key>".
std::optional<std::string> UnknownEncryptionKey(const SnapshotFacts& snapshot,
                                                const std::vector<std::string>& known) {
  for (const std::string& prefix : snapshot.encryption_keys) {
    const std::size_t provider_end = prefix.find(':', 8);
    const std::size_t key =
        provider_end == std::string::npos ? std::string::npos : prefix.find(':', provider_end + 1);
    if (!prefix.starts_with("k8s:enc:") || key == std::string::npos) return prefix;
    std::string name = prefix.substr(8, provider_end - 8) + prefix.substr(key);
    while (name.ends_with(':')) name.pop_back();
    if (std::find(known.begin(), known.end(), name) == known.end()) return name;
  }
  return std::nullopt;
}

/// In place the API servers keep the configuration that they have.
void CheckEncryptionInPlace(const PreflightInput& input, std::vector<Check>& checks) {
  if (input.snapshot->facts.encryption_keys.empty()) return;
  for (const TargetNode& node : input.target.nodes) {
    const NodeFacts* facts = input.seen.Of(node);
    if (!node.controlplane || facts == nullptr) continue;
    if (!facts->encryption_keys) {
      checks.push_back({node.name, "encryption", Verdict::kUnknown,
                        "the snapshot holds encrypted data, and the API server's encryption "
                        "configuration could not be read",
                        "look at the container kube-apiserver on the node"});
      continue;
    }
    const auto missing = UnknownEncryptionKey(input.snapshot->facts, *facts->encryption_keys);
    if (missing) {
      checks.push_back(
          Failed(node.name, "encryption",
                 "the snapshot holds data encrypted with " + *missing +
                     ", the API server's encryption configuration does not name it",
                 "put the key back into the configuration (rke up with the cluster.yml "
                 "and rkestate of that time), or choose a later snapshot"));
    }
  }
}

/// A given state and the one that rke put beside the snapshot must hold the same keys, or what the
/// snapshot signed and encrypted is worth nothing to the cluster that rke makes (design 3).
void CompareStates(const ClusterState& given, const ClusterState& in_zip,
                   std::vector<Check>& checks) {
  const auto compare = [&](const char* what, const std::string& ours, const std::string& theirs) {
    if (ours == theirs) return;
    checks.push_back(
        Failed("", "rkestate",
               fmt::format("its {} is {}, that of the state in the snapshot's zip {}", what,
                           ours.empty() ? "absent" : ours, theirs.empty() ? "absent" : theirs),
               "leave spec.rke.clusterState out to take the state from the zip, or "
               "choose a snapshot from after the keys were changed"));
  };
  compare("kube-ca", given.kube_ca_fingerprint, in_zip.kube_ca_fingerprint);
  compare("service account key", given.service_account_key_digest,
          in_zip.service_account_key_digest);
  compare("list of encryption keys", fmt::format("{}", fmt::join(given.encryption_keys, ", ")),
          fmt::format("{}", fmt::join(in_zip.encryption_keys, ", ")));
}

/// rke starts etcd with these in the place of its own flags. Those that say where the data lies or
/// who a member is would start another etcd than the restored one: at best empty.
void CheckExtraArgs(const Target& target, std::vector<Check>& checks) {
  for (const auto& [name, value] : target.config.etcd_extra_args) {
    const bool harmless = name != "data-dir" && name != "wal-dir" && name != "name" &&
                          name != "force-new-cluster" && !name.starts_with("initial-");
    if (harmless) continue;
    checks.push_back(
        Failed("", "etcd arguments",
               "cluster.yml sets services.etcd.extra_args." + name + ": " + value +
                   ", and the etcd that rke starts would not be the restored one",
               "take it out of cluster.yml, or use strategy InPlace, which keeps the containers"));
  }
}

void CheckRebuild(const PreflightInput& input, const std::string& in_snapshot,
                  std::vector<Check>& checks) {
  const Target& target = input.target;
  const std::string& asked = target.object.spec.rke_version;
  if (input.rke_version && !asked.empty() && asked != *input.rke_version) {
    checks.push_back(
        Failed("", "rke",
               "spec.rke.version is " + asked + ", the rke program here is " + *input.rke_version,
               "name rke " + asked + " with --rke, or change spec.rke.version"));
  } else if (input.rke_version) {
    checks.push_back(Ok("", "rke", *input.rke_version));
  }
  if (!input.rke_version)
    checks.push_back(
        Failed("", "rke", input.rke_problem, "install the rke program and name it with --rke"));
  if (!target.state) {
    checks.push_back(Failed("", "rkestate", "none was given and the snapshot holds none",
                            "give spec.rke.clusterState: without it there is no CA key, and a new "
                            "CA would cut off every client"));
    return;
  }
  CheckExtraArgs(target, checks);
  if (input.zip_state != nullptr) CompareStates(*target.state, *input.zip_state, checks);
  if (!in_snapshot.empty())
    checks.push_back(
        CompareCa("", "cluster.rkestate", in_snapshot, target.state->kube_ca_fingerprint));
  if (const auto missing =
          UnknownEncryptionKey(input.snapshot->facts, target.state->encryption_keys)) {
    checks.push_back(Failed("", "encryption",
                            "the snapshot holds data encrypted with " + *missing +
                                ", the state's provider configuration does not",
                            "give the rkestate that was in use when the snapshot was taken, or "
                            "that data can never be read"));
  }
  const std::string& wanted = target.config.kubernetes_version;
  const std::string& had = target.state->kubernetes_version;
  if (!had.empty() && wanted != had) {
    checks.push_back(
        Failed("", "version",
               "cluster.yml says Kubernetes '" + wanted + "', the state was written for " + had,
               "set kubernetes_version: " + had +
                   " in cluster.yml; a restore is not the time to upgrade"));
  }
  const std::string& image = target.config.etcd_image;
  const std::string& image_had = target.state->etcd_image;
  if (!image.empty() && !image_had.empty() && image != image_had) {
    checks.push_back(Failed(
        "", "etcd image", "cluster.yml says " + image + ", the state was written for " + image_had,
        "set system_images.etcd: " + image_had +
            " in cluster.yml; a restore is not the time to upgrade"));
  }
}

}  // namespace

bool AllPassed(const std::vector<Check>& checks) {
  return std::none_of(checks.begin(), checks.end(), [](const Check& check) {
    return check.verdict == Verdict::kFailed || check.verdict == Verdict::kUnknown;
  });
}

Error FailureOf(const std::vector<Check>& checks) {
  std::string first;
  std::string others;
  bool may_pass = true;
  for (const Check& check : checks) {
    if (check.verdict != Verdict::kFailed && check.verdict != Verdict::kUnknown) continue;
    may_pass = may_pass && check.may_pass;
    const std::string where =
        (check.node.empty() ? "" : "node " + check.node + ", ") + check.subject;
    if (first.empty()) {
      first = where + ": " + check.seen + (check.advice.empty() ? "" : " (" + check.advice + ")");
    } else {
      others += (others.empty() ? "" : "; ") + where;
    }
  }
  const std::string all = others.empty() ? first : first + ". Also not passed: " + others;
  return may_pass ? Transient("PreflightFailed", all) : Terminal("PreflightFailed", all);
}

std::vector<Check> CheckSpec(const PreflightInput& input) {
  const EtcdRestoreSpec& spec = input.target.object.spec;
  std::vector<Check> checks;
  if (!spec.snapshot.pki_bundle.empty()) {
    checks.push_back(Failed(
        "", "pki bundle",
        "spec.snapshot.pkiBundle is " + spec.snapshot.pki_bundle + ", which only rke 0.1.x reads",
        "take it out: InPlace keeps the nodes' certificates, Rebuild takes the CA from the "
        "rkestate"));
  }
  const CleanSpec& clean = spec.clean;
  if (input.strategy == StrategyKind::kInPlace &&
      (clean.all_containers || !clean.anonymous_volumes || clean.workers)) {
    checks.push_back({"", "clean", Verdict::kNote,
                      "spec.clean.containers, volumes and workers have no effect: InPlace removes "
                      "no container and no volume",
                      "set strategy Rebuild if the nodes shall be cleaned"});
  }
  return checks;
}

std::vector<Check> CheckNodes(const PreflightInput& input) {
  std::vector<Check> checks;
  for (const TargetNode& node : input.target.nodes) CheckNode(input, node, checks);
  return checks;
}

std::vector<Check> CheckIdentity(const PreflightInput& input) {
  std::vector<Check> checks;
  if (input.snapshot == nullptr) return checks;
  checks.push_back(CheckSnapshot(*input.snapshot));
  const std::string in_snapshot = CertificateFingerprint(input.snapshot->facts.kube_root_ca);
  if (in_snapshot.empty()) {
    checks.push_back({"", "kube-ca", Verdict::kNote, "the snapshot does not tell its cluster's CA",
                      "make sure by other means that it is of this cluster"});
  }
  if (input.strategy == StrategyKind::kRebuild) CheckRebuild(input, in_snapshot, checks);
  if (input.strategy == StrategyKind::kInPlace) CheckEncryptionInPlace(input, checks);
  for (const TargetNode& node : input.target.nodes) {
    const NodeFacts* facts = input.seen.Of(node);
    if (facts == nullptr || in_snapshot.empty() || node.replacement) continue;
    const std::string here = CertificateFingerprint(facts->ca_pem);
    if (!here.empty())
      checks.push_back(CompareCa(node.name, "/etc/kubernetes/ssl", in_snapshot, here));
    if (here.empty() && input.strategy == StrategyKind::kInPlace) {
      checks.push_back(Failed(node.name, "kube-ca",
                              "/etc/kubernetes/ssl/kube-ca.pem cannot be read",
                              "the certificates are gone: use strategy Rebuild"));
    }
  }
  return checks;
}

}  // namespace etcdrestore
