#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconcilers/restore/target.h"

namespace etcdrestore::fakes {

/// What a member folder holds. `content` names the database: equal names are equal data.
struct FakeMember {
  std::string run;  ///< run that made it; "" when it is the cluster's own
  std::string content;
  std::int64_t revision = 0;
  std::string token;      ///< --initial-cluster-token of its cluster; "" for the old cluster
  std::string db_sha256;  ///< of member/snap/db before etcd opened it
  bool operator==(const FakeMember&) const = default;
};

/// The run's own files on one node.
struct FakeRunFolder {
  std::string staged;  ///< bytes of the staged snapshot
  std::optional<FakeMember> restored;
  bool kept_exists = false;
  std::optional<FakeMember> kept;
  bool finished = false;
  Receipt record;  ///< the archived one, when finished
};

/// One machine: what would be on its disk and in its docker.
struct FakeNode {
  TargetNode target;
  std::map<std::string, ContainerFacts> containers;
  std::optional<FakeMember> member;  ///< <data dir>/member
  std::string receipt;               ///< text of receipt.json, "" when there is none
  std::map<std::string, FakeRunFolder> runs;
  LockFacts lock;
  std::string ca_pem;
  std::set<std::string> left_paths;
  std::set<std::string> copied_paths;
  bool reachable = true;
  bool docker_answers = true;
  double skew = 0;
  std::vector<std::string> images;
  bool lays_out_differently = false;  ///< its etcd tool writes the same content as another file
};

}  // namespace etcdrestore::fakes
