#pragma once

#include <string>
#include <vector>

#include "operator/session/session.h"

namespace etcdrestore {

/// The words of the command line, apart from where they are shown. Pure.

/// The Preflight table, one check a line, failures with their advice below.
std::string ChecksText(const std::vector<Check>& checks, bool ascii);
/// The plan: what, why, what is destroyed, kept and lost, and the hash to approve it with.
std::string PlanText(const PlanDocument& plan);
/// The last words of a run: what was restored, how long each phase took, what was verified, where
/// the old data lies and how to go back; or why not, what state things are in and what to do.
std::string ResultText(const SessionResult& result, RunMode mode, const std::string& command);
/// How far a transfer is: "WHAT: 120 of 900 MB (13 %)".
std::string BytesText(const std::string& what, std::uint64_t done, std::uint64_t total);
/// The result for machines.
nlohmann::ordered_json ResultJson(const SessionResult& result);

}  // namespace etcdrestore
