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
  kDeleted,  ///< marked for deletion, and no restore is half done that could go on
};
ObjectVerdict Judge(const EtcdRestore& object);

/// True when the status says that this runID passed the point of no return and did not succeed.
bool HalfDone(const EtcdRestore& object);

/// What follows after a run.
struct Aftermath {
  bool publish = true;    ///< the run's last status is the truth; else the object goes on as it is
  bool finished = false;  ///< the latch falls: this runID starts nothing any more
  std::optional<Duration> again;  ///< look again then; nullopt: when the object changes
};
/// `stopping`: the operator ends or another process leads. `cancel`: the object asks to end.
Aftermath After(Ending ending, const Error& error, bool stopping, bool cancel);

}  // namespace etcdrestore
