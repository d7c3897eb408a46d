#pragma once

#include <optional>
#include <string>

#include "crds/etcd_restore.h"
#include "operator/ports/kube.h"

namespace etcdrestore {

/// What the operator's namespace knows of one run, beside the object's status and the receipts on
/// the nodes: a run happens once, also when its object is deleted and made again.
struct LedgerEntry {
  std::string run_key;
  std::string uid;           ///< of the object that began it
  std::string started_at;    ///< RFC 3339
  std::string committed_at;  ///< "" before the point of no return
  std::string finished_at;   ///< "" while it may go on
  std::string phase;         ///< the end: Succeeded, Failed, Cancelled, Rejected
  void End(const std::string& how, SystemTime now) {
    finished_at = FormatTime(now);
    phase = how;
  }
};

enum class LedgerVerdict {
  kGo,        ///< nobody began it, or this object did, or half of it is done
  kFinished,  ///< over: nothing is started
  kForeign,   ///< begun by an earlier object of this name, which changed nothing
};
LedgerVerdict JudgeEntry(const std::optional<LedgerEntry>& entry, const std::string& uid);

/// ConfigMaps in the operator's namespace, one a run. Kept for ever: they are small, and a runID is
/// used up for ever. Errors are the API's; LedgerUnreadable (terminal) blocks the run.
class RunLedger {
 public:
  RunLedger(KubeApi& api, std::string name_space) : api_(api), name_space_(std::move(name_space)) {}
  Result<std::optional<LedgerEntry>> Read(const Call& call, const EtcdRestore& object);
  Status Write(const Call& call, const EtcdRestore& object, const LedgerEntry& entry);

  /// Copies of a run's inputs, from the point of no return to the end.
  Status KeepInputs(const Call& call, const EtcdRestore& object, KubeObject data);
  Result<std::optional<KubeObject>> Inputs(const Call& call, const EtcdRestore& object);
  Status DropInputs(const Call& call, const EtcdRestore& object);

 private:
  [[nodiscard]] KubeName NameOf(const EtcdRestore& object) const;
  [[nodiscard]] KubeObject Named(const EtcdRestore& object, const char* kind) const;

  KubeApi& api_;
  std::string name_space_;
};

}  // namespace etcdrestore
