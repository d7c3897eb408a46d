#include "operator/adapters/process/rke_cli.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "operator/adapters/process/subprocess.h"
#include "operator/base/files.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

/// The nodes let another run take their locks 60 s after they were last renewed. What asks for the
/// renewals says yes for at most 25 s after the last one.
constexpr auto kWithoutRenewal = 20s;

constexpr std::string_view kFinishLine = "Finished building Kubernetes cluster successfully";

/// rke needs a home for its agent and temporary files; proxies would take its tunnels elsewhere.
std::vector<std::string> EnvironmentForRke() {
  std::vector<std::string> environment{"RKE_NO_COLOR=1"};
  for (const char* name :
       {"HOME", "PATH", "SSH_AUTH_SOCK", "TMPDIR", "USER", "RANCHER_METADATA_URL"}) {
    if (const char* value = std::getenv(name))
      environment.push_back(std::string(name) + "=" + value);
  }
  return environment;
}

/// `time="…" level=info msg="text"` -> text; anything else as it is.
std::string Message(const std::string& line) {
  const std::size_t at = line.find("msg=\"");
  if (at == std::string::npos) return line;
  const std::size_t end = line.rfind('"');
  return end > at + 5 ? line.substr(at + 5, end - at - 5) : line;
}

/// The lines that a person waits for; all of them are in the log.
bool IsMilestone(const std::string& line, const std::string& message) {
  if (line.find("level=warning") != std::string::npos ||
      line.find("level=error") != std::string::npos ||
      line.find("level=fatal") != std::string::npos)
    return true;
  for (const char* part :
       {"Building", "Successfully started etcd plane", "Successfully started Controller Plane",
        "Successfully started Worker Plane", "[certificates] Deploying", "[network] Deploying",
        "Finished "}) {
    if (message.find(part) != std::string::npos) return true;
  }
  return false;
}

class RkeCli final : public ClusterRebuilder {
 public:
  RkeCli(std::string path, std::string log_folder, std::function<SteadyTime()> may_run_until)
      : path_(std::move(path)),
        log_folder_(std::move(log_folder)),
        may_run_until_(std::move(may_run_until)) {}

  Result<std::string> Version(const Call& call) override {
    const std::string program = FindProgram(path_);
    if (program.empty())
      return Terminal("RkeMissing",
                      "the rke program '" + path_ +
                          "' is not there; install rke v1.8.0 and name it with --rke");
    std::string version;
    ProcessRequest request{{program, "--version"},
                           EnvironmentForRke(),
                           "",
                           [&](const std::string& line) {
                             if (const auto at = line.find("version "); at != std::string::npos)
                               version = line.substr(at + 8);
                           },
                           {},
                           {}};
    const auto ran = RunProcess(call.Within(20s), request);
    if (!ran) return ran.error();
    if (ran->exit_code != 0 || version.empty())
      return Terminal("RkeUnusable", program + " --version ended with code " +
                                         std::to_string(ran->exit_code) +
                                         " and told no version: is it rke?");
    if (!version.starts_with("v1.") && version != "dev")
      return Terminal("RkeUnusable",
                      program + " is version " + version + "; Rebuild needs rke v1.x");
    return version;
  }

  Result<RkeResult> Up(const Call& call, const std::string& config_path,
                       const std::function<void(const std::string&)>& line,
                       const std::function<Status()>& alive) override {
    const std::string program = FindProgram(path_);
    if (program.empty())
      return Terminal("RkeMissing", "the rke program '" + path_ + "' is not there");
    if (Status made = MakeFolder(log_folder_); !made) return made.error();
    RkeResult result;
    result.log_path = FreeLogPath();
    std::ofstream log(result.log_path);
    std::error_code unchanged;
    std::filesystem::permissions(
        result.log_path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write,
        unchanged);
    if (!log || unchanged)
      return Transient("FileUnwritable", "the log of rke, " + result.log_path +
                                             ", cannot be written: is the disk full?");
    bool finish_line = false;
    std::optional<Error> dropped;
    const auto take = [&](const std::string& text) {
      log << text << '\n' << std::flush;
      const std::string message = Message(text);
      finish_line = finish_line || message.find(kFinishLine) != std::string::npos;
      // rke goes on without a host that it cannot reach: the cluster would come up with fewer
      // members.
      if (message.find("Removing host [") != std::string::npos)
        dropped = Transient("RkeDroppedHost", "rke dropped a host: " + message);
      result.last_line = message;
      if (IsMilestone(text, message)) line("rke: " + message);
    };
    std::atomic<SteadyTime> held = std::chrono::steady_clock::now();
    const auto still = [&]() -> Status {
      const SteadyTime asked = std::chrono::steady_clock::now();
      Status holds = dropped ? Status(*dropped) : alive();
      if (holds) held = asked;
      return holds;
    };
    const auto until = [&] {
      const SteadyTime here = held.load() + kWithoutRenewal;
      return may_run_until_ ? std::min(may_run_until_(), here) : here;
    };
    const std::string folder = std::filesystem::path(config_path).parent_path();
    const auto ran =
        RunProcess(call, {{program, "up", "--config", config_path, "--ignore-docker-version"},
                          EnvironmentForRke(),
                          folder,
                          take,
                          still,
                          until});
    if (!ran) return ran.error().In("rke up");
    if (dropped) return *dropped;
    result.finished = ran->exit_code == 0 && finish_line;
    if (!result.finished) {
      return Transient("RkeFailed", "rke up ended with code " + std::to_string(ran->exit_code) +
                                        ", last line: " + result.last_line + "; all of it is in " +
                                        result.log_path);
    }
    return result;
  }

 private:
  [[nodiscard]] std::string FreeLogPath() const {
    for (int n = 1;; ++n) {
      std::string path = log_folder_ + "/rke-up-" + std::to_string(n) + ".log";
      if (!FileExists(path)) return path;
    }
  }

  std::string path_;
  std::string log_folder_;
  std::function<SteadyTime()> may_run_until_;
};

}  // namespace

std::string FindProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0 ? name : "";
  const char* all = std::getenv("PATH");
  std::string paths = all == nullptr ? "" : all;
  while (!paths.empty()) {
    const std::size_t end = std::min(paths.find(':'), paths.size());
    std::string path = paths.substr(0, end) + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
    paths.erase(0, std::min(end + 1, paths.size()));
  }
  return "";
}

std::unique_ptr<ClusterRebuilder> MakeRkeCli(std::string path, std::string log_folder,
                                             std::function<SteadyTime()> may_run_until) {
  return std::make_unique<RkeCli>(std::move(path), std::move(log_folder), std::move(may_run_until));
}

}  // namespace etcdrestore
