#include "tests/integration/ssh/test_sshd.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

// libssh2 1.11.1 forgets some bytes in each key exchange: the unused MAC keys of AES-GCM, and the
// host key's public half when it exchanges again. Leaks of ours have other frames and still count.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:kex_method_\nleak:_libssh2_sha_algo_value_hash\nleak:diffie_hellman_sha_algo\n";
}

namespace etcdrestore::testing {
namespace {

constexpr const char* kSshd = "/usr/sbin/sshd";

[[noreturn]] void Die(const std::string& why) {
  fmt::print(stderr, "test_sshd: {}\n", why);
  std::abort();
}

std::vector<char*> Pointers(const std::vector<std::string>& argv) {
  std::vector<char*> pointers;
  for (const std::string& word : argv) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// Starts a program in a process group of its own with these three descriptors.
pid_t Spawn(const std::vector<std::string>& argv, int in, int out, int err) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in, 0);
  posix_spawn_file_actions_adddup2(&files, out, 1);
  posix_spawn_file_actions_adddup2(&files, err, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t pid = -1;
  const int rc =
      posix_spawnp(&pid, argv[0].c_str(), &files, &attributes, Pointers(argv).data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (rc != 0) Die(argv[0] + " cannot be started; is openssh-server installed? (make deps)");
  return pid;
}

std::string FirstTwoWords(const std::string& text) {
  std::istringstream words(text);
  std::string type;
  std::string key;
  words >> type >> key;
  return type + " " + key;
}

}  // namespace

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteText(const std::filesystem::path& path, const std::string& text, bool executable) {
  std::ofstream(path, std::ios::binary) << text;
  using std::filesystem::perms;
  std::filesystem::permissions(
      path, executable ? perms::owner_all : perms::owner_read | perms::owner_write);
}

std::string RunProgram(const std::vector<std::string>& argv) {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) Die("pipe");
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  const pid_t pid = Spawn(argv, null, ends[1], null);
  close(ends[1]);
  close(null);
  std::string out;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = read(ends[0], buffer, sizeof(buffer))) > 0)
    out.append(buffer, static_cast<std::size_t>(got));
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  if (status != 0) Die(fmt::format("{} {} failed", argv[0], argv.size() > 1 ? argv[1] : ""));
  return out;
}

TestSshd::TestSshd(const Options& options) {
  std::string name = (std::filesystem::temp_directory_path() / "test-sshd-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) Die("no temporary folder");
  dir_ = name;
  // sshd wants this folder for its unprivileged part; the package's service makes it at boot.
  if (geteuid() == 0) std::filesystem::create_directories("/run/sshd");
  std::string config;
  for (const std::string& line : options.config) config += line + "\n";
  for (const std::string& type : options.host_keys) {
    ReplaceHostKey(type);
    config += fmt::format("HostKey {}/host-{}\n", name, type);
  }
  config += fmt::format(
      "AuthorizedKeysFile {}/authorized\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
      "KbdInteractiveAuthentication no\nPermitRootLogin yes\nPidFile none\nLogLevel VERBOSE\n",
      name);
  // One line: sshd takes only the first SetEnv. The user's own start-up files stay out of the test.
  config += fmt::format("SetEnv HOME={}", name);
  for (const auto& [variable, value] : options.environment)
    config += fmt::format(" {}={}", variable, value);
  WriteText(dir_ / "sshd_config", config + "\n");
  WriteText(dir_ / "authorized", "");

  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* where = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, where, sizeof(address)) != 0 || listen(listener_, 64) != 0) Die("listen");
  socklen_t size = sizeof(address);
  getsockname(listener_, where, &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Serve(); });
}

TestSshd::~TestSshd() {
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
  Cut();
  SignalAll(SIGKILL);
  for (const Connection& connection : connections_) {
    waitpid(connection.pid, nullptr, 0);
    close(connection.socket);
  }
  // An ssh-agent of the test may be removing its socket there at the same time.
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

void TestSshd::Serve() {
  while (true) {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const int log = open((dir_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const pid_t pid =
        Spawn({kSshd, "-i", "-e", "-f", (dir_ / "sshd_config").string()}, socket, socket, log);
    close(log);
    const std::scoped_lock lock(mutex_);
    connections_.push_back(Connection{socket, pid});
  }
}

std::string TestSshd::MakeKey(const KeyKind& kind) {
  const std::filesystem::path file = dir_ / fmt::format("key-{}", ++keys_);
  std::vector<std::string> argv = {"ssh-keygen", "-q",        "-t", kind.type,
                                   "-m",         kind.format, "-N", kind.passphrase,
                                   "-C",         "test key",  "-f", file.string()};
  if (!kind.bits.empty()) argv.insert(argv.end(), {"-b", kind.bits});
  RunProgram(argv);
  if (kind.authorised) {
    std::ofstream(dir_ / "authorized", std::ios::app) << ReadText(file.string() + ".pub");
  }
  last_key_ = file.string();
  return ReadText(file);
}

NodeEndpoint TestSshd::Node() {
  NodeEndpoint node;
  node.name = "n1";
  node.address = "127.0.0.1";
  node.port = port_;
  node.user = getpwuid(geteuid())->pw_name;
  node.private_key = Secret(MakeKey({}));
  return node;
}

void TestSshd::ReplaceHostKey(const std::string& type) {
  const std::string file = (dir_ / ("host-" + type)).string();
  std::filesystem::remove(file);
  RunProgram({"ssh-keygen", "-q", "-t", type, "-N", "", "-f", file});
}

std::string TestSshd::HostKey(const std::string& type) const {
  return FirstTwoWords(ReadText(dir_ / ("host-" + type + ".pub")));
}

std::string TestSshd::HostKeyFingerprint(const std::string& type) const {
  std::istringstream words(
      RunProgram({"ssh-keygen", "-lf", (dir_ / ("host-" + type + ".pub")).string()}));
  std::string bits;
  std::string fingerprint;
  words >> bits >> fingerprint;
  return fingerprint;
}

std::string TestSshd::KnownHosts() const {
  std::string text;
  for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("host-") || !name.ends_with(".pub")) continue;
    text += fmt::format("[127.0.0.1]:{} {}\n", port_, FirstTwoWords(ReadText(entry.path())));
  }
  return text;
}

std::string TestSshd::Log() const { return ReadText(dir_ / "log"); }

int TestSshd::connections() {
  const std::scoped_lock lock(mutex_);
  return static_cast<int>(connections_.size());
}

void TestSshd::Cut() {
  const std::scoped_lock lock(mutex_);
  for (const Connection& connection : connections_) shutdown(connection.socket, SHUT_RDWR);
}

void TestSshd::SignalAll(int signal) {
  const std::scoped_lock lock(mutex_);
  for (const Connection& connection : connections_) {
    // Reaped only at the end, so the group's number cannot have passed to somebody else.
    kill(-connection.pid, signal);
  }
}

void TestSshd::Freeze() { SignalAll(SIGSTOP); }
void TestSshd::Thaw() { SignalAll(SIGCONT); }

}  // namespace etcdrestore::testing
