#include "tests/unit/restore/node_room.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

namespace etcdrestore {
namespace {

namespace fs = std::filesystem;

std::string Text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string Drained(const ByteSource& source) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (source) {
    const auto got = source(buffer);
    if (!got || *got == 0) break;
    text.append(buffer.data(), *got);
  }
  return text;
}

/// Runs a program in a mount namespace where the node's folders are the room's.
class RoomNode final : public Node {
 public:
  RoomNode(std::string folder, std::string before)
      : folder_(std::move(folder)), before_(std::move(before)) {}

  Result<CommandResult> Run(const Call& /*call*/, const Command& command) override {
    const std::string input = folder_ + "/stdin";
    std::ofstream(input, std::ios::binary) << Drained(command.input);
    const std::string root = folder_ + "/root";
    const std::string enter = "mount --bind " + root + "/opt /opt && mount --bind " + root +
                              "/var/lib /var/lib && mount --bind " + root + "/etc /etc && " +
                              (before_.empty() ? "true" : before_) + " && exec \"$@\"";
    std::vector<std::string> argv = {"unshare", "-m", "sh", "-c", enter, "room"};
    argv.insert(argv.end(), command.argv.begin(), command.argv.end());
    CommandResult result;
    result.exit_code = Spawn(argv, input);
    result.out = Text(folder_ + "/stdout");
    result.err = Text(folder_ + "/stderr");
    return result;
  }
  [[nodiscard]] std::string host_key_fingerprint() const override { return "SHA256:room"; }
  [[nodiscard]] RootMethod root_method() const override { return RootMethod::kUid0; }

 private:
  int Spawn(const std::vector<std::string>& argv, const std::string& input) const {
    std::vector<std::string> environment = {
        "FAKE_DOCKER=" + folder_ + "/docker",
        "PATH=" + folder_ + "/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    std::vector<char*> words;
    std::vector<char*> variables;
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    for (const std::string& one : environment) variables.push_back(const_cast<char*>(one.c_str()));
    words.push_back(nullptr);
    variables.push_back(nullptr);
    const pid_t pid = fork();
    if (pid == 0) {
      dup2(open(input.c_str(), O_RDONLY), 0);
      dup2(open((folder_ + "/stdout").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
      dup2(open((folder_ + "/stderr").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
      execvpe(words[0], words.data(), variables.data());
      _exit(127);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  std::string folder_;
  std::string before_;
};

}  // namespace

NodeRoom::NodeRoom() {
  folder_ = (fs::temp_directory_path() / "etcdrestore-room-XXXXXX").string();
  if (mkdtemp(folder_.data()) == nullptr) std::abort();
  for (const char* made :
       {"/root/opt/rke", "/root/var/lib", "/root/etc", "/docker/containers", "/bin"})
    fs::create_directories(folder_ + made);
  // Debian's awk lies behind a link in /etc.
  fs::create_directories(At("/etc/alternatives"));
  for (const char* awk : {"/usr/bin/mawk", "/usr/bin/gawk"}) {
    if (fs::exists(awk) && !fs::is_symlink(At("/etc/alternatives/awk")))
      fs::create_symlink(awk, At("/etc/alternatives/awk"));
  }
  const std::string docker = folder_ + "/bin/docker";
  fs::copy_file(ETCDRESTORE_SOURCE_DIR "/tests/unit/restore/fake_docker.sh", docker);
  fs::permissions(docker, fs::perms::owner_all);
}

NodeRoom::~NodeRoom() { fs::remove_all(folder_); }

std::unique_ptr<Node> NodeRoom::Shell() const {
  return std::make_unique<RoomNode>(folder_, before_);
}

std::unique_ptr<Machine> NodeRoom::As(const std::string& holder, const std::string& run) const {
  return MakeScriptMachine(Shell(), "n1", {holder, "prod"}, {run, ""});
}

void NodeRoom::Write(const std::string& path, const std::string& text) const {
  fs::create_directories(fs::path(At(path)).parent_path());
  std::ofstream(At(path), std::ios::binary) << text;
}
std::string NodeRoom::Read(const std::string& path) const { return Text(At(path)); }
bool NodeRoom::Exists(const std::string& path) const { return fs::exists(At(path)); }

void NodeRoom::Container(const std::string& name, const std::string& state) const {
  std::ofstream(folder_ + "/docker/containers/" + name) << state << "\n";
}
std::string NodeRoom::ContainerState(const std::string& name) const {
  std::string state = Text(folder_ + "/docker/containers/" + name);
  if (state.ends_with('\n')) state.pop_back();
  return state;
}
void NodeRoom::Program(const std::string& name, const std::string& script) const {
  const std::string path = folder_ + "/bin/" + name;
  std::ofstream(path, std::ios::binary) << "#!/bin/sh\n" << script;
  fs::permissions(path, fs::perms::owner_all);
}
std::string NodeRoom::DockerLog() const { return Text(folder_ + "/docker/log"); }

int NodeRoom::DockerCalls(const std::string& words) const {
  const std::string log = DockerLog();
  int count = 0;
  for (auto at = log.find(words); at != std::string::npos; at = log.find(words, at + 1)) ++count;
  return count;
}

std::string NodeRoom::Everything() const {
  std::map<std::string, std::string> files;
  for (const char* part : {"/root", "/docker/containers"}) {
    for (const auto& entry : fs::recursive_directory_iterator(folder_ + part))
      files[entry.path().string()] =
          entry.is_regular_file() ? Text(entry.path().string()) : std::string("/");
  }
  std::string text;
  for (const auto& [path, content] : files)
    text += path.substr(folder_.size()) + "=" + content + "\n";
  return text;
}

}  // namespace etcdrestore
