#pragma once

#include <optional>
#include <string>

#include "crds/etcd_restore.h"
#include "reconcilers/restore/report.h"

namespace etcdrestore {

/// What is to be done with an object when it is looked at. Judged from the object alone; the
/// record in the operator's namespace and the receipts on the nodes may still say no.
enum class ObjectVerdict {
  kInert,    ///< finished
  kWaits,    ///< for a person's approval, until its time has passed
  kRun,      ///< begin, or go on
  kGivenUp,  ///< half done, and spec.cancel asks to leave it at that
  kDeleted,  ///< marked for deletion, and no restore is half done that could go on
};
ObjectVerdict Judge(const EtcdRestore& object);

/// True when the status says that the cluster is half restored: this runID passed the point of no
/// return and did not succeed, or an earlier one did and nobody told that it has ended.
bool HalfDone(const EtcdRestore& object);

/// What follows after a run.
struct Aftermath {
  bool publish = true;    ///< the run's last status is the truth; else the object goes on as it is
  bool finished = false;  ///< the latch falls: this runID starts nothing any more
  std::optional<Duration> again;  ///< look again then; nullopt: when the object changes
};
struct Circumstances {
  bool stopping = false;  ///< the operator ends or another process leads
  bool cancel = false;    ///< the object asks to end
  bool early = false;     ///< Preflight still has time
};
Aftermath After(Ending ending, const Error& error, const Circumstances& now);

}  // namespace etcdrestore
