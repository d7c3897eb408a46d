#pragma once

#include <gtest/gtest.h>

#include "tests/unit/restore/node_room.h"

namespace etcdrestore {

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
