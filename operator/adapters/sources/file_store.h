#pragma once

#include <memory>
#include <string>

#include "operator/ports/object_store.h"

namespace etcdrestore {

/// One file or the files of one folder on this machine as an ObjectStore; keys are paths.
/// Standalone only. Presign is NotFound: nodes cannot reach it. Errors as ObjectStore.
std::unique_ptr<ObjectStore> MakeFileStore(std::string path);

}  // namespace etcdrestore
