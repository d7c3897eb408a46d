#include "tests/support/versitygw.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "operator/base/sha256.h"
#include "tests/support/sockets.h"

namespace etcdrestore::testing {
namespace {

constexpr const char* kAccessKey = "testaccess";
constexpr const char* kSecretKey = "testsecret";

std::string Program() {
  const char* cache = std::getenv("ETCDRESTORE_CACHE");
  const char* home = std::getenv("HOME");
  const std::string base =
      cache != nullptr ? cache : std::string(home != nullptr ? home : "") + "/.cache/etcdrestore";
  return base + "/bin/versitygw-1.8.0/versitygw";
}

/// The kernel's choice; free again when the server binds it.
int FreePort() {
  const Listener listener = ListenOnLoopback();
  close(listener.fd);
  return listener.port;
}

int Spawn(const std::string& program, const std::string& folder, int port) {
  const std::string log = folder + "/log";
  const std::string address = "127.0.0.1:" + std::to_string(port);
  const std::string data = folder + "/data";
  std::array<const char*, 6> argv = {program.c_str(), "--port",     address.c_str(),
                                     "posix",         data.c_str(), nullptr};
  const std::string access = std::string("ROOT_ACCESS_KEY=") + kAccessKey;
  const std::string secret = std::string("ROOT_SECRET_KEY=") + kSecretKey;
  const std::string home = "HOME=" + folder;
  std::array<const char*, 4> environment = {access.c_str(), secret.c_str(), home.c_str(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  int pid = -1;
  const int failed =
      posix_spawn(&pid, program.c_str(), &actions, nullptr, const_cast<char**>(argv.data()),
                  const_cast<char**>(environment.data()));
  posix_spawn_file_actions_destroy(&actions);
  return failed != 0 ? -1 : pid;
}

/// True when it listens, false when it died. Looks every 10 ms, as it says nothing when ready.
bool WaitUntilReady(int pid, int port) {
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  for (int tries = 0; tries < 3000; ++tries) {
    const int fd = ConnectToLoopback(port);
    if (fd >= 0) {
      close(fd);
      close(process);
      return true;
    }
    pollfd death{process, POLLIN, 0};
    if (poll(&death, 1, 10) > 0) break;
  }
  close(process);
  return false;
}

void End(int pid) {
  kill(pid, SIGKILL);
  int status = 0;
  waitpid(pid, &status, 0);
}

}  // namespace

Result<std::unique_ptr<Versitygw>> Versitygw::Start() {
  const std::string program = Program();
  if (!std::filesystem::exists(program))
    return Terminal("MissingProgram", program + " is missing: run make deps");
  std::string folder = (std::filesystem::temp_directory_path() / "versitygw-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return Terminal("NoFolder", "mkdtemp " + folder);
  std::filesystem::create_directory(folder + "/data");
  // Somebody may take the port between our look and its bind.
  for (int tries = 0; tries < 3; ++tries) {
    const int port = FreePort();
    const int pid = Spawn(program, folder, port);
    if (pid < 0) break;
    if (WaitUntilReady(pid, port))
      return std::unique_ptr<Versitygw>(new Versitygw(folder, pid, port));
    End(pid);
  }
  std::ifstream log(folder + "/log");
  const std::string text((std::istreambuf_iterator<char>(log)), std::istreambuf_iterator<char>());
  std::filesystem::remove_all(folder);
  return Terminal("NotStarted", program + " does not start: " + text);
}

Versitygw::Versitygw(std::string folder, int pid, int port)
    : folder_(std::move(folder)), pid_(pid), port_(port), http_(*HttpClient::Open({})) {}

Versitygw::~Versitygw() {
  End(pid_);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

AwsCredentials Versitygw::credentials() const { return {kAccessKey, Secret(kSecretKey), Secret()}; }

S3Options Versitygw::Options(const std::string& bucket) const {
  S3Options options;
  options.endpoint = "http://127.0.0.1:" + std::to_string(port_);
  options.region = "us-east-1";
  options.bucket = bucket;
  options.force_path_style = true;
  options.credentials = credentials();
  return options;
}

Status Versitygw::Send(const std::string& path, const std::string& body) {
  SignableRequest signable{"PUT",          "127.0.0.1:" + std::to_string(port_), path, {}, {},
                           HexSha256(body)};
  HttpRequest request;
  request.method = "PUT";
  request.url = "http://" + signable.host + UriEncode(path, true);
  request.headers = SignHeaders(credentials(), {"us-east-1", "s3", RealClock().Now()}, signable);
  request.body = body;
  const Result<HttpResponse> response = http_->Send(Call{}, request);
  if (!response) return response.error();
  if (response->status == 200) return {};
  return Terminal("Refused",
                  "PUT " + path + ": " + std::to_string(response->status) + " " + response->body);
}

Status Versitygw::CreateBucket(const std::string& bucket) { return Send("/" + bucket, ""); }

Status Versitygw::Put(const std::string& bucket, const std::string& key, const std::string& body) {
  return Send("/" + bucket + "/" + key, body);
}

}  // namespace etcdrestore::testing
