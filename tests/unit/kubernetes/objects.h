#pragma once

#include "crds/etcd_restore.h"
#include "operator/ports/kube.h"

namespace etcdrestore::testing_objects {

/// A sound object as the API server gives it: uid u1, generation 1, made at 03:00.
KubeObject AnObject();
/// The same, past its point of no return at 03:10, in that phase.
KubeObject HalfDoneAt(const std::string& phase);
/// The same, parsed, with that status.
EtcdRestore Parsed(const KubeObject& object);
EtcdRestore WithStatus(const KubeObject& status);
/// The Secret that AnObject names.
KubeObject ItsSecret();

}  // namespace etcdrestore::testing_objects
