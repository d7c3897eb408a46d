#include "tests/unit/restore/runs.h"

namespace etcdrestore {

std::string Said(const RunRecord& record) {
  return std::to_string(ExitCode(record.ending)) +
         (record.error.reason.empty() ? "" : " " + record.error.reason);
}

RunRequest Asked(RunMode mode) {
  RunRequest request;
  request.mode = mode;
  return request;
}
RunRequest Approved(const std::string& plan) {
  RunRequest request;
  request.approved_plan = plan;
  return request;
}
RunRequest TakingOver() {
  RunRequest request;
  request.takeover = true;
  return request;
}

std::vector<std::string> Touching(const fakes::Rig& rig) {
  std::vector<std::string> touching;
  for (const std::string& call : rig.world.Calls()) {
    const std::string act = call.substr(call.find(' ') + 1);
    const bool own = act == "take" || act == "release" || act == "put" || act == "restore_beside" ||
                     act == "receipt prepared";
    if (!own) touching.push_back(call);
  }
  return touching;
}

}  // namespace etcdrestore
