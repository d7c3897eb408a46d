#pragma once

#include <gtest/gtest.h>

#include "tests/unit/restore/node_room.h"

namespace etcdrestore {

/// How the etcd tool is called in these tests.
inline EtcdRestoreArgs ArgsOf(const std::string& db_sha256, std::int64_t bump) {
  EtcdRestoreArgs args;
  args.image = "img:1";
  args.member_name = "etcd-n1";
  args.peer_url = "https://10.0.0.1:2380";
  args.initial_cluster = "etcd-n1=https://10.0.0.1:2380";
  args.token = "t";
  args.bump = bump;
  args.db_sha256 = db_sha256;
  return args;
}

/// A node, and the machine by which `me` would hold it.
struct NodeTest : testing::Test {
  NodeFacts Look(const LookOptions& options = {}) {
    auto facts = me->Look({}, options);
    EXPECT_TRUE(facts) << facts.error().message;
    return facts ? *facts : NodeFacts{};
  }
  static std::string ReasonOf(const Status& status) { return status ? "" : status.error().reason; }

  NodeRoom room;
  std::unique_ptr<Machine> me = room.As("me");
};

}  // namespace etcdrestore
