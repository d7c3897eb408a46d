// operator_bench OURS GO [OBJECTS]: the operator beside the least that one on Go's
// controller-runtime can be (tests/bench/controller-runtime), one after the other against the same
// real kube-apiserver with the same objects. tests/bench/operator_bench.sh builds and runs it.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "operator/adapters/http/http_client.h"
#include "operator/adapters/kube/kube_client.h"
#include "operator/ports/kube.h"
#include "tests/bench/operator_bench_objects.h"
#include "tests/support/child_process.h"
#include "tests/support/kube_server.h"

namespace etcdrestore::testing {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

double SecondsSince(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

struct Numbers {
  double ready_s = 0, all_s = 0, rss_mb = 0, anon_mb = 0, peak_mb = 0, cpu_percent = 0;
  double median_ms = 0, worst_ms = 0;
};

/// One operator that runs.
class Rival {
 public:
  Rival(const KubeServer& server, const std::string& name, std::vector<std::string> argv) {
    const std::string metrics = "127.0.0.1:" + std::to_string(FreePort());
    const std::string health = "127.0.0.1:" + std::to_string(FreePort());
    argv.insert(argv.end(), {"--kubeconfig", server.Kubeconfig(), "--metrics-bind-address", metrics,
                             "--health-probe-bind-address", health});
    metrics_ = "http://" + metrics + "/metrics";
    ready_ = "http://" + health + "/readyz";
    http_ = std::move(HttpClient::Open({})).value();
    start_ = Steady::now();
    process_ =
        ChildProcess(argv, server.folder() + "/" + name + ".log", {"HOME=" + server.folder()});
  }
  ~Rival() {
    process_.Signal(SIGTERM);
    (void)process_.Wait(40s);
  }
  Rival(const Rival&) = delete;
  Rival& operator=(const Rival&) = delete;

  /// Seconds from its start until it says that it is ready.
  double Ready() const {
    Until(2ms, [&] { return Get(ready_).first == 200; });
    return SecondsSince(start_);
  }
  /// Seconds from its start until it has looked at so many objects.
  double Looked(double objects) const {
    // A scrape is work too: not so often that it slows down what is measured.
    Until(50ms, [&] { return Reconciled() >= objects; });
    return SecondsSince(start_);
  }
  [[nodiscard]] double Megabytes(const std::string& field) const {
    std::ifstream status("/proc/" + std::to_string(process_.pid()) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with(field + ":")) return std::atof(line.c_str() + field.size() + 1) / 1024;
    }
    return 0;
  }
  /// Percent of one processor, over that time.
  [[nodiscard]] double Busy(std::chrono::seconds time) const {
    const double before = CpuSeconds();
    std::this_thread::sleep_for(time);
    return (CpuSeconds() - before) / static_cast<double>(time.count()) * 100;
  }

 private:
  void Until(std::chrono::milliseconds pause, const std::function<bool()>& seen) const {
    while (!seen()) {
      if (SecondsSince(start_) > 300 || Megabytes("VmRSS") == 0) {
        std::fprintf(stderr, "the operator does not come so far:\n%s\n", process_.Log().c_str());
        std::exit(1);
      }
      std::this_thread::sleep_for(pause);
    }
  }
  [[nodiscard]] std::pair<int, std::string> Get(const std::string& url) const {
    HttpRequest request;
    request.url = url;
    request.max_body = 64U << 20U;
    const auto response = http_->Send({}, request);
    return response ? std::pair(response->status, response->body) : std::pair(0, std::string());
  }
  [[nodiscard]] double Reconciled() const {
    std::istringstream lines(Get(metrics_).second);
    double sum = 0;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("controller_runtime_reconcile_total{"))
        sum += std::atof(line.c_str() + line.rfind(' '));
    }
    return sum;
  }
  [[nodiscard]] double CpuSeconds() const {
    std::ifstream stat("/proc/" + std::to_string(process_.pid()) + "/stat");
    std::string text;
    std::getline(stat, text);
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string word;
    double ticks = 0;
    for (int i = 0; i < 13 && fields >> word; ++i) ticks += i >= 11 ? std::atof(word.c_str()) : 0;
    return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
  }

  std::string metrics_, ready_;
  std::unique_ptr<HttpClient> http_;
  Steady::time_point start_;
  ChildProcess process_;
};

struct Setup {
  const KubeServer& server;
  BenchObjects& objects;
  std::string ours, go;

  [[nodiscard]] std::vector<std::string> Argv(bool go_one) const {
    if (go_one) return {go};
    return {ours, "operator", "--state-dir", server.folder() + "/state"};
  }
};

/// `known` objects are there; `latencies` more are made one by one and their status waited for.
Numbers Measure(const Setup& setup, bool go_one, int known, int latencies) {
  Numbers out;
  const Rival rival(setup.server, go_one ? "go" : "ours", setup.Argv(go_one));
  out.ready_s = rival.Ready();
  out.all_s = known > 0 ? rival.Looked(known) : 0;
  if (latencies > 0) {
    // The first waits for the Lease and belongs to the start.
    (void)setup.objects.ChangeToStatus(1);
    std::vector<double> times = setup.objects.ChangeToStatus(latencies);
    std::sort(times.begin(), times.end());
    out.median_ms = times.at(times.size() / 2) * 1000;
    out.worst_ms = times.back() * 1000;
  }
  // Time for garbage collectors to give back what they can.
  out.cpu_percent = rival.Busy(30s);
  out.rss_mb = rival.Megabytes("VmRSS");
  out.anon_mb = rival.Megabytes("RssAnon");
  out.peak_mb = rival.Megabytes("VmHWM");
  return out;
}

void Line(const char* what, double ours, double go, const char* unit, double aim) {
  if (go == 0 && ours == 0) return;
  const double ratio = go > 0 ? ours / go : 0;
  std::printf("  %-34s %9.2f %9.2f %-3s %6.2f   %s\n", what, ours, go, unit, ratio,
              aim == 0 ? "" : (ratio <= aim ? "aim met" : "AIM MISSED"));
}

void Show(const std::string& title, const Numbers& ours, const Numbers& go, double memory_aim) {
  std::printf("%s\n  %-34s %9s %9s %-3s %6s\n", title.c_str(), "", "ours", "Go", "", "ratio");
  Line("resident memory", ours.rss_mb, go.rss_mb, "MB", memory_aim);
  Line("  of it no file's (RssAnon)", ours.anon_mb, go.anon_mb, "MB", 0);
  Line("peak of it", ours.peak_mb, go.peak_mb, "MB", 0);
  Line("start to synced", ours.ready_s, go.ready_s, "s", 1);
  Line("start to all objects looked at", ours.all_s, go.all_s, "s", 1);
  Line("change to status seen, median", ours.median_ms, go.median_ms, "ms", 1);
  Line("change to status seen, worst", ours.worst_ms, go.worst_ms, "ms", 1);
  Line("idle, of one processor", ours.cpu_percent, go.cpu_percent, "%", 0);
  std::fflush(stdout);
}

int Run(const std::string& ours, const std::string& go, int many) {
  auto server = KubeServer::Start();
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  BenchObjects objects((*server)->api());
  const Setup setup{**server, objects, ours, go};
  const Numbers idle_ours = Measure(setup, false, 0, 100);
  objects.Clear();
  const Numbers idle_go = Measure(setup, true, 0, 100);
  objects.Clear();
  Show("no objects (and 100 made one by one)", idle_ours, idle_go, 1.0 / 3);

  objects.AddFinished(1000);
  objects.AddWaiting(50);
  const Numbers some_ours = Measure(setup, false, 1050, 0);
  const Numbers some_go = Measure(setup, true, 1050, 0);
  Show("1000 finished, 50 that wait for a Secret", some_ours, some_go, 0);
  objects.Clear();

  objects.AddFinished(many);
  const Numbers many_ours = Measure(setup, false, many, 100);
  objects.ClearPaused();
  const Numbers many_go = Measure(setup, true, many, 100);
  Show(std::to_string(many) + " finished objects of " + std::to_string(objects.bytes()) + " bytes",
       many_ours, many_go, 0.2);
  return 0;
}

}  // namespace
}  // namespace etcdrestore::testing

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    std::fprintf(stderr, "usage: operator_bench OURS GO [OBJECTS]\n");
    return 2;
  }
  return etcdrestore::testing::Run(argv[1], argv[2], argc == 4 ? std::atoi(argv[3]) : 10000);
}
