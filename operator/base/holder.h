#pragma once

#include <string>

namespace etcdrestore {

/// This process's fencing name: "<boot>.<pid namespace>.<pid>.<start time>", no spaces, no '|'. Two
/// processes never share one, a restarted process has another.
std::string OwnHolderId();

/// True only when the holder was a process of this boot and pid namespace and is certainly gone.
bool IsDeadHere(const std::string& holder_id);

}  // namespace etcdrestore
