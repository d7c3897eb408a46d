#include "reconcilers/restore/receipt.h"

#include <array>

namespace etcdrestore {
namespace {

constexpr std::array<std::pair<Stage, const char*>, 4> kStages = {{{Stage::kPrepared, "prepared"},
                                                                   {Stage::kCommitted, "committed"},
                                                                   {Stage::kRestored, "restored"},
                                                                   {Stage::kFinished, "finished"}}};

std::optional<Stage> StageOf(const std::string& name) {
  for (const auto& [stage, text] : kStages) {
    if (name == text) return stage;
  }
  return std::nullopt;
}

Error Unreadable(const std::string& why) {
  return Terminal(
      "ReceiptUnreadable",
      "read /opt/rke/.etcdrestore/receipt.json: " + why +
          ". It may belong to a run that is not finished: look at it by hand, and move it away "
          "only when you know that no restore is under way");
}

}  // namespace

std::string StageName(Stage stage) {
  for (const auto& [value, text] : kStages) {
    if (value == stage) return text;
  }
  return "unknown";
}

nlohmann::ordered_json ToJson(const Receipt& receipt) {
  nlohmann::ordered_json before = nlohmann::ordered_json::object();
  for (const auto& [name, state] : receipt.before) {
    before[name] = {{"policy", state.policy}, {"running", state.running}};
  }
  return {{"version", 1},
          {"cluster", receipt.cluster},
          {"runKey", receipt.run_key},
          {"run", receipt.run},
          {"specDigest", receipt.spec_digest},
          {"token", receipt.token},
          {"strategy", receipt.strategy},
          {"stage", StageName(receipt.stage)},
          {"snapshotSha256", receipt.snapshot_sha256},
          {"restoredDbSha256", receipt.restored_db_sha256},
          {"restoredDbHash", receipt.restored_db_hash},
          {"bumpedBy", receipt.bumped_by},
          {"oldDataPath", receipt.old_data_path},
          {"restoredAt", receipt.restored_at},
          {"finishedAt", receipt.finished_at},
          {"keepFor", receipt.keep_for},
          {"before", before}};
}

Result<Receipt> ParseReceipt(const std::string& text) {
  const auto json = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Unreadable("it is not JSON");
  try {
    if (json.value("version", 0) != 1) return Unreadable("its version is not 1");
    Receipt receipt;
    receipt.cluster = json.at("cluster");
    receipt.run_key = json.at("runKey");
    receipt.run = json.at("run");
    receipt.spec_digest = json.at("specDigest");
    receipt.token = json.at("token");
    receipt.strategy = json.at("strategy");
    const auto stage = StageOf(json.at("stage").get<std::string>());
    if (!stage) return Unreadable("its stage is unknown");
    receipt.stage = *stage;
    receipt.snapshot_sha256 = json.at("snapshotSha256");
    receipt.restored_db_sha256 = json.at("restoredDbSha256");
    receipt.restored_db_hash = json.at("restoredDbHash");
    receipt.bumped_by = json.at("bumpedBy");
    receipt.old_data_path = json.at("oldDataPath");
    receipt.restored_at = json.at("restoredAt");
    receipt.finished_at = json.at("finishedAt");
    receipt.keep_for = json.value("keepFor", receipt.keep_for);
    if (!json.at("before").is_object()) return Unreadable("its containers are no object");
    for (const auto& [name, state] : json.at("before").items()) {
      receipt.before[name] = {state.at("policy").get<std::string>(),
                              state.at("running").get<bool>()};
    }
    return receipt;
  } catch (const nlohmann::json::exception& error) {
    return Unreadable(error.what());
  }
}

}  // namespace etcdrestore
