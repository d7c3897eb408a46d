#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "operator/ports/node.h"
#include "operator/ports/object_store.h"

namespace etcdrestore {

/// A node as a place of snapshots. The node is borrowed and outlives the store.
struct SnapshotNode {
  std::string name;
  Node* node = nullptr;
};

/// The files of one folder on all given nodes as an ObjectStore; a key is "<node>:<path>". Files of
/// the same name on several nodes are different objects: rke makes one per node (facts/lab.md 5). A
/// node that cannot be listed is left out and named by Describe. Presign is NotFound.
std::unique_ptr<ObjectStore> MakeNodesStore(std::vector<SnapshotNode> nodes, std::string directory);

}  // namespace etcdrestore
