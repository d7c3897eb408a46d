#pragma once

#include <functional>

#include "operator/base/call.h"

namespace etcdrestore {

/// True when a write failed because the object is not there any more, or is another one of the same
/// name: every write carries the uid. Pure.
bool ObjectGone(const Error& error);

/// The same write again and again, with that pause, until it succeeds, the call is over, or no
/// repetition can help: a terminal error, a lost Lease, an object that is gone.
Status Insist(const Call& call, Duration pause, const std::function<Status()>& write);

}  // namespace etcdrestore
