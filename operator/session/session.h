#pragma once

#include <string>
#include <vector>

#include "crds/values.h"
#include "operator/session/run_meter.h"
#include "reconcilers/restore/reconciler.h"

namespace etcdrestore {

/// Everything that differs between the modes. Borrowed for the run.
struct SessionInput {
  const EtcdRestore& object;
  const Values& values;
  std::string state_dir;  ///< where runs are recorded
  std::string rke = "rke";
  /// Keys, known hosts and snapshots may also come from files of this machine; never in a
  /// management cluster, where the object's author is not the operator's owner.
  bool local_files = true;
  /// Not where a Lease keeps other processes out: a file's lock outlives the Lease of a process
  /// that stands still, and would keep its successor out too.
  bool lock_file = true;
  std::string known_hosts_file;  ///< used when the spec names none; "" for ~/.ssh/known_hosts
  RunRequest request;
  /// Asked before each command on a node, and whether it changes more than who holds the node;
  /// empty: always.
  std::function<Status(bool changes)> may_act;
  /// Until when an rke that works may live without a later word; asked often, from any thread.
  /// Empty: for as long as the nodes' locks are held.
  std::function<SteadyTime()> may_run_until;
  /// The same document as the object's status, after each step; in the run's own thread.
  std::function<void(const nlohmann::ordered_json& status, const RunRecord&)> on_status;
  RunMeter* meter = nullptr;  ///< may be null
};

/// What a whole run came to.
struct SessionResult {
  Ending ending = Ending::kRejected;
  Error error;
  std::string message;                                 ///< of a good end
  std::string run;                                     ///< its short name; "" when it never began
  nlohmann::ordered_json status;                       ///< the same document as the object's status
  std::vector<std::pair<std::string, Duration>> took;  ///< phase -> time, in their order
  std::string status_path;                  ///< where it lies on disk; "" when nothing was written
  std::string where_things_stand;           ///< after a bad end past the point of no return
  std::map<std::string, std::string> made;  ///< after rke: file name for people -> where it lies
  std::vector<std::string> outputs;         ///< the same, copied to where people find it
  std::vector<std::pair<std::string, std::vector<std::string>>> way_back;  ///< node -> commands
  std::vector<std::string> reminders;  ///< what a person has to see to after a good end
  std::string old_data_until;          ///< when old data may go, after a verified end; else ""
};

/// "libcurl" and "libssh2": their versions as they run.
std::map<std::string, std::string> LibraryVersions();

/// The composition root of one run, the same in both modes: connects real adapters, runs the
/// reconciler. A cluster's runs are serialised on this machine by a lock file, on the nodes by
/// their own.
SessionResult RunSession(const Call& call, const SessionInput& input, RunListener& listener);

}  // namespace etcdrestore
