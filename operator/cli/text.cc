#include "operator/cli/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace etcdrestore {
namespace {

const char* Mark(Verdict verdict, bool ascii) {
  switch (verdict) {
    case Verdict::kOk:
      return ascii ? "ok  " : "✔";
    case Verdict::kNote:
      return ascii ? "note" : "●";
    case Verdict::kFailed:
      return ascii ? "FAIL" : "✘";
    case Verdict::kUnknown:
      return ascii ? "????" : "?";
  }
  return "";
}

std::string List(const char* head, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string text = fmt::format("  {}:\n", head);
  for (const std::string& line : lines) text += "    - " + line + "\n";
  return text;
}

/// ", 3 h 12 min before the run began"; "" where a clock makes no sense of it.
std::string AgeAtStart(const nlohmann::ordered_json& status) {
  const auto taken = ParseTime(status.at("snapshot").value("takenAt", ""));
  const auto started = ParseTime(status.value("startTime", ""));
  if (!taken || !started || *taken > *started) return "";
  return ", " + HumanDuration(*started - *taken) + " before the run began";
}

std::string Restored(const nlohmann::ordered_json& status) {
  if (!status.contains("snapshot")) return "";
  const auto& snapshot = status.at("snapshot");
  std::string text = fmt::format(
      "Restored   {} from {}\n           taken {}{}, revision {}, {} keys, sha256 {}\n",
      snapshot.at("name").get<std::string>(), snapshot.at("source").get<std::string>(),
      snapshot.at("takenAt").get<std::string>(), AgeAtStart(status),
      snapshot.at("revision").get<std::int64_t>(), snapshot.at("liveKeys").get<std::uint64_t>(),
      snapshot.at("sha256").get<std::string>());
  if (status.contains("plan"))
    text += "Strategy   " + status.at("plan").at("strategy").get<std::string>() + "\n";
  return text;
}

std::string Timeline(const SessionResult& result) {
  std::string text;
  std::chrono::duration<double> total{};
  for (const auto& [phase, took] : result.took) {
    const std::chrono::duration<double> seconds = took;
    total += seconds;
    text += fmt::format("  {:<10} {:>7.1f} s\n", phase, seconds.count());
  }
  return fmt::format("Took       {:.1f} s\n", total.count()) + text;
}

std::string Verified(const nlohmann::ordered_json& status) {
  std::string text;
  for (const auto& node : status.at("nodes")) {
    if (!node.contains("member")) continue;
    const auto& member = node.at("member");
    text += fmt::format("  {:<10} member {} revision {} hashKV {}\n",
                        node.at("name").get<std::string>(), member.at("id").get<std::string>(),
                        member.at("revision").get<std::int64_t>(),
                        member.at("hashKV").get<std::uint32_t>());
  }
  if (text.empty()) return "";
  return "Verified   cluster id of this run, member list, no alarms, equal content on every "
         "member, API servers\n"
         "           ready with the old CA, Secrets listed, every component restarted, Nodes "
         "Ready\n" +
         text;
}

std::string OldData(const SessionResult& result) {
  std::string text;
  for (const auto& node : result.status.at("nodes")) {
    if (node.contains("oldDataPath"))
      text += fmt::format("  {:<10} {}\n", node.at("name").get<std::string>(),
                          node.at("oldDataPath").get<std::string>());
  }
  if (text.empty()) return "";
  text = "Old data   kept, nothing was deleted:\n" + text;
  if (!result.old_data_until.empty())
    text += "From " + result.old_data_until +
            " on the next run of this cluster removes it, and so does this same command; by hand "
            "then, on each\nnode: rm -rf <the path above>\n";
  if (result.way_back.empty()) return text;
  text +=
      "To go back to it, on every etcd node (paths as on " + result.way_back.front().first + "):\n";
  for (const std::string& command : result.way_back.front().second) text += "    " + command + "\n";
  return text;
}

std::string Heading(Ending ending) {
  switch (ending) {
    case Ending::kRunning:
    case Ending::kDone:
      return "DONE";
    case Ending::kFailed:
      return "FAILED";
    case Ending::kRejected:
      return "REFUSED: nothing was changed";
    case Ending::kPreflightFailed:
      return "PREFLIGHT FAILED: nothing was changed";
    case Ending::kNeedsAttention:
      return "STOPPED AFTER THE POINT OF NO RETURN: the cluster needs attention";
    case Ending::kAwaitingApproval:
      return "WAITING FOR APPROVAL: nothing was changed";
    case Ending::kLocked:
      return "LOCKED by another run: nothing was changed";
    case Ending::kCancelled:
      return "CANCELLED: nothing was changed";
    case Ending::kDeadline:
      return "OUT OF TIME: nothing was changed";
    case Ending::kInterrupted:
      return "INTERRUPTED: nothing was changed";
  }
  return "";
}

}  // namespace

std::string ChecksText(const std::vector<Check>& checks, bool ascii) {
  std::string text;
  for (const Check& check : checks) {
    text += fmt::format("  {} {:<12} {:<11} {}\n", Mark(check.verdict, ascii),
                        check.node.empty() ? "(run)" : check.node, check.subject, check.seen);
    if (check.verdict != Verdict::kOk && !check.advice.empty())
      text += fmt::format("  {:>26}   -> {}\n", "", check.advice);
  }
  return text;
}

std::string PlanText(const PlanDocument& plan) {
  std::string text =
      fmt::format("Plan {}  strategy {} ({})\n", plan.hash, plan.strategy, plan.reason);
  text += List("does", plan.summary) + List("destroys", plan.destroys) + List("keeps", plan.keeps) +
          List("loses", plan.loses);
  if (!plan.approval_reason.empty()) text += "  needs approval: " + plan.approval_reason + "\n";
  return text;
}

nlohmann::ordered_json ResultJson(const SessionResult& result) {
  const bool done = result.ending == Ending::kDone;
  nlohmann::ordered_json json = {{"exitCode", ExitCode(result.ending)},
                                 {"reason", done ? "" : result.error.reason},
                                 {"message", done ? result.message : result.error.message},
                                 {"outputs", result.outputs},
                                 {"reminders", result.reminders},
                                 {"oldDataUntil", result.old_data_until},
                                 {"whereThingsStand", result.where_things_stand},
                                 {"wayBack", nlohmann::ordered_json::object()},
                                 {"status", result.status}};
  for (const auto& [node, commands] : result.way_back) json["wayBack"][node] = commands;
  return json;
}

std::string BytesText(const std::string& what, std::uint64_t done, std::uint64_t total) {
  constexpr std::array<std::pair<std::uint64_t, const char*>, 3> kUnits = {
      {{1'000'000, "MB"}, {1'000, "kB"}, {1, "bytes"}}};
  const auto* unit = std::find_if(kUnits.begin(), kUnits.end() - 1, [&](const auto& one) {
    return std::max(done, total) >= 10 * one.first;
  });
  const auto in_unit = [unit](std::uint64_t bytes) { return bytes / unit->first; };
  if (total == 0) return fmt::format("{}: {} {}", what, in_unit(done), unit->second);
  return fmt::format("{}: {} of {} {} ({} %)", what, in_unit(done), in_unit(total), unit->second,
                     std::min<std::uint64_t>(100, done * 100 / total));
}

std::string ResultText(const SessionResult& result, RunMode mode, const std::string& command) {
  std::string text = Heading(result.ending) + "\n";
  if (result.ending != Ending::kDone) {
    text += result.error.reason + ": " + result.error.message + "\n";
    if (!result.where_things_stand.empty()) {
      text += "State of the nodes:\n" + result.where_things_stand;
      text += "Nothing was deleted. When the cause is mended, go on with the same command:\n    " +
              command + "\n";
      if (!result.way_back.empty()) text += OldData(result);
    }
  } else if (mode == RunMode::kRun) {
    const bool earlier = result.status.at("timeline").empty();
    if (earlier) return text + result.message + "\n";
    text += Restored(result.status) + Timeline(result) + Verified(result.status) + OldData(result);
    for (const std::string& line : result.reminders) text += "Remember   " + line + "\n";
    for (const std::string& path : result.outputs) text += "Written    " + path + "\n";
  } else {
    text +=
        "Preflight passed. The snapshot is staged and restored beside the live data; the cluster "
        "was not touched.\n";
  }
  if (!result.status_path.empty()) text += "Status     " + result.status_path + "\n";
  return text;
}

}  // namespace etcdrestore
