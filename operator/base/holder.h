#pragma once

#include <string>

namespace etcdrestore {

/// The fencing name of one piece of this process's work: "<boot>.<pid namespace>.<pid>.<start
/// time>.<work>", no spaces, no '|'. Two processes never share one, a restarted process has
/// another.
std::string OwnHolderId(const std::string& work);

/// True only when the holder was a process of this boot and pid namespace and is certainly gone.
bool IsDeadHere(const std::string& holder_id);

}  // namespace etcdrestore
