#pragma once

#include <string>
#include <vector>

#include "operator/base/call.h"
#include "operator/ports/kube.h"

namespace etcdrestore {

/// What a person asks of a management cluster from the command line.
struct RemoteRequest {
  enum class What { kStatus, kApprove, kCancel } what = What::kStatus;
  std::string kubeconfig;
  std::string context;
  std::string name_space;  ///< "" for the context's
  std::string name;        ///< "" for all of them; status only
  std::string plan_hash;   ///< of the plan that was read; approve only
  bool json = false;
  std::string version = "dev";
};

/// Prints the answer; returns the exit code: 0, 1 when the server said no, 2 when the request makes
/// no sense.
int RunRemote(const Call& whole, const RemoteRequest& request);

/// One object for a person: where it stands, why, each node, the plan, what to type next. Pure.
std::string StatusText(const KubeObject& object);
/// One line an object. Pure.
std::string StatusTable(const std::vector<KubeObject>& objects);
/// Why this plan must not be approved; "" when it may. Pure.
std::string ApprovalProblem(const KubeObject& object, const std::string& plan_hash);

}  // namespace etcdrestore
