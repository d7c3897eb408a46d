#include "operator/kubernetes/insist.h"

namespace etcdrestore {

bool ObjectGone(const Error& error) {
  return error.reason == "NotFound" ||
         (error.reason == "Conflict" && error.message.find("UID") != std::string::npos);
}

Status Insist(const Call& call, Duration pause, const std::function<Status()>& write) {
  while (true) {
    Status wrote = write();
    if (wrote || ObjectGone(wrote.error()) || wrote.error().reason == "LeaseLost" ||
        wrote.error().kind == ErrorKind::kTerminal || call.Over())
      return wrote;
    WaitOrStop(call, pause);
  }
}

}  // namespace etcdrestore
