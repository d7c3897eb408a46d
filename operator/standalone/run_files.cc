#include "operator/standalone/run_files.h"

#include <cstdlib>
#include <filesystem>

#include "operator/adapters/manifests/manifest.h"
#include "operator/base/files.h"
#include "operator/ports/json_text.h"

namespace etcdrestore {
namespace {

void CopyBeside(const std::string& manifest, SessionResult& result) {
  const std::string beside =
      std::filesystem::path(manifest).parent_path() / ("outputs-" + result.run);
  if (!MakeFolder(beside)) return;
  for (const auto& [name, path] : result.made) {
    const auto text = ReadFile(path);
    if (text && WriteFileAtomically(beside + "/" + name, *text))
      result.outputs.push_back(beside + "/" + name);
  }
}

/// status.outputs, in the result and on disk.
void TellOutputs(SessionResult& result) {
  for (const std::string& path : result.outputs) {
    const std::string name = std::filesystem::path(path).filename();
    if (name == "cluster.rkestate") result.status["outputs"]["clusterState"] = path;
    if (name == "kube_config_cluster.yml") result.status["outputs"]["kubeconfig"] = path;
  }
  const auto text = ReadFile(result.status_path);
  auto object = nlohmann::ordered_json::parse(text.value_or(""), nullptr, false);
  if (!object.is_object()) return;
  object["status"] = result.status;
  (void)WriteFileAtomically(result.status_path, JsonText(object, 2) + "\n");
}

}  // namespace

std::string DefaultStateDir() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state != '\0') return std::string(state) + "/etcdrestore";
  const char* home = std::getenv("HOME");
  return (home == nullptr ? std::string("/root") : home) + "/.local/state/etcdrestore";
}

SessionResult RunFiles(const Call& call, const SessionOptions& options, RunListener& listener) {
  const auto manifests = LoadManifests(options.files);
  if (!manifests) {
    SessionResult refused;
    refused.error = manifests.error();
    return refused;
  }
  for (const std::string& note : manifests->notes) listener.OnNote(note);
  SessionInput input{.object = manifests->restore,
                     .values = *manifests,
                     .state_dir = options.state_dir.empty() ? DefaultStateDir() : options.state_dir,
                     .rke = options.rke,
                     .known_hosts_file = options.known_hosts_file,
                     .request = options.request,
                     .may_act = {},
                     .may_run_until = {},
                     .on_status = {}};
  SessionResult result = RunSession(call, input, listener);
  if (!result.made.empty()) {
    CopyBeside(options.files.front(), result);
    TellOutputs(result);
  }
  return result;
}

}  // namespace etcdrestore
