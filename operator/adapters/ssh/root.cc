#include "operator/adapters/ssh/root.h"

#include <fmt/format.h>

#include <algorithm>

#include "operator/adapters/ssh/wire.h"

namespace etcdrestore::ssh {
namespace {

// Comes back unchanged from a POSIX shell only: fish, csh and the like change backslashes or '!'.
constexpr std::string_view kCanary = "a\\\\b!c$HOME`'\"";

constexpr const char* kScript = R"sh(
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
socket=unix://$2
printf 'etcdrestore %s\n' "$1"
tried() { printf 'tried %s\n' "$(printf %s "$1" | tr '\n\r' '  ')"; }
whoami='echo uid=$(id -u)'
if [ "$(id -u)" = 0 ]; then echo 'root uid0'; exit 0; fi
if command -v sudo >/dev/null 2>&1; then
  said=$(sudo -n -- /bin/sh -c "$whoami" 2>&1 </dev/null)
  case $said in *uid=0*) echo 'root sudo'; exit 0 ;; esac
  tried "sudo -n: $said"
else
  tried 'sudo: not installed'
fi
if ! docker=$(command -v docker); then tried 'docker: not installed'; exit 0; fi
if ! images=$("$docker" -H "$socket" images --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' 2>&1 </dev/null); then
  tried "docker -H $socket: $images"; exit 0
fi
ordered=$(printf '%s\n' "$images" | grep rke-tools; printf '%s\n' "$images" | grep hyperkube
  printf '%s\n' "$images" | grep -v -e rke-tools -e hyperkube)
seen=
count=0
while read -r id name; do
  case " $seen " in *" $id "*) continue ;; esac
  [ -n "$id" ] || continue
  seen="$seen $id"
  count=$((count + 1))
  if [ "$count" -gt 6 ]; then tried 'docker: no more than six images'; break; fi
  said=$("$docker" -H "$socket" @FLAGS@ "$id" @ENTER@ /bin/sh -c "$whoami" 2>&1 </dev/null)
  case $said in *uid=0*)
    printf 'root docker\ndocker %s\nimage %s\n' "$docker" "$id"; exit 0 ;; esac
  tried "nsenter in image $name: $said"
done <<IMAGES
$ordered
IMAGES
[ "$count" -gt 0 ] || tried 'docker: no image is on the node'
)sh";

// Without a log driver, or Docker would keep a copy of every byte that a command prints. The
// container's PATH is that of its image, which says nothing about the host.
const std::vector<std::string>& DockerFlags() {
  static const std::vector<std::string> flags = {
      "run",
      "--rm",
      "-i",
      "--privileged",
      "--pid=host",
      "--userns=host",
      "--network=host",
      "--log-driver=none",
      "--label=etcdrestore.io/root",
      "--user=0:0",
      "--env=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "--entrypoint=nsenter"};
  return flags;
}

const std::vector<std::string>& EnterHost() {
  static const std::vector<std::string> enter = {"-t", "1", "-m", "-u", "-i", "-n", "--"};
  return enter;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

std::string Script() {
  std::string script = kScript;
  const auto fill = [&script](std::string_view mark, const std::string& text) {
    script.replace(script.find(mark), mark.size(), text);
  };
  fill("@FLAGS@", Joined(DockerFlags()));
  fill("@ENTER@", Joined(EnterHost()));
  return script;
}

Error UnusableShell(const NodeEndpoint& node, const CommandResult& result, const std::string& why) {
  return Terminal("UnusableShell",
                  fmt::format("node {}: the login shell of user {} {}. It said: \"{}\" (exit code "
                              "{}). Give the user /bin/sh or /bin/bash as shell, without a forced "
                              "command, and let its start-up files print nothing for commands",
                              node.name, node.user, why, Printable(result.out + " " + result.err),
                              result.exit_code));
}

}  // namespace

Command RootProbe(const std::string& docker_socket) {
  Command command;
  command.argv = {"/bin/sh", "-c", Script(), "sh", std::string(kCanary), docker_socket};
  command.as_root = false;
  command.max_output = 64U << 10U;
  return command;
}

Result<RootAccess> ReadRootProbe(const NodeEndpoint& node, const CommandResult& result) {
  const std::string greeting = "etcdrestore " + std::string(kCanary) + "\n";
  const std::size_t at = result.out.find(greeting);
  if (at == std::string::npos) return UnusableShell(node, result, "runs no POSIX commands");
  if (at != 0) return UnusableShell(node, result, "prints text before a command's own");
  std::string_view rest = result.out;
  rest.remove_prefix(greeting.size());
  RootAccess access;
  access.socket = node.docker_socket;
  std::string way;
  std::string tried;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::string_view word = line.substr(0, line.find(' '));
    const std::string value(line.substr(std::min(word.size() + 1, line.size())));
    if (word == "root") way = value;
    if (word == "docker") access.docker = value;
    if (word == "image") access.image = value;
    if (word == "tried") tried += (tried.empty() ? "" : "; ") + Printable(value);
  }
  access.method = way == "uid0"   ? RootMethod::kUid0
                  : way == "sudo" ? RootMethod::kSudo
                                  : RootMethod::kDockerNsenter;
  const bool docker_found = way == "docker" && !access.docker.empty() && !access.image.empty();
  if (way == "uid0" || way == "sudo" || docker_found) return access;
  return Terminal(
      "NoWayToRoot",
      fmt::format("node {}: user {} cannot become root. Tried {}. Allow it sudo without "
                  "a password, or put it in the docker group with an image on the node "
                  "that has nsenter (rancher/rke-tools)",
                  Printable(node.name), node.user, tried));
}

std::vector<std::string> AsRoot(const RootAccess& access, const std::vector<std::string>& argv) {
  std::vector<std::string> all;
  switch (access.method) {
    case RootMethod::kUid0:
      return argv;
    case RootMethod::kSudo:
      all = {"sudo", "-n", "--"};
      break;
    case RootMethod::kDockerNsenter:
      all = {access.docker, "-H", "unix://" + access.socket};
      all.insert(all.end(), DockerFlags().begin(), DockerFlags().end());
      all.push_back(access.image);
      all.insert(all.end(), EnterHost().begin(), EnterHost().end());
      break;
  }
  all.insert(all.end(), argv.begin(), argv.end());
  return all;
}

}  // namespace etcdrestore::ssh
