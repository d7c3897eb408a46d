#include "operator/kubernetes/operator.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

#include "operator/adapters/kube/kube_client.h"
#include "operator/kubernetes/controller.h"
#include "operator/kubernetes/endpoints.h"
#include "operator/kubernetes/fenced_kube.h"
#include "operator/kubernetes/liveness.h"
#include "operator/kubernetes/operator_log.h"
#include "operator/kubernetes/operator_metrics.h"
#include "operator/runtime/reflector.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

constexpr auto kGrace = 30s;
constexpr auto kTidy = 15s;
/// Threads beside those that may be at runs, so that objects are looked at while all runs go on.
constexpr int kLookers = 2;
/// The Lease is not renewed meanwhile; it holds for three seconds at least.
constexpr auto kLastWords = 2s;
constexpr Duration kLoopSilence = 60s;
/// Twice what a watch may take: ten minutes, and five more when a busy server puts it off.
constexpr Duration kWatchSilence = 30min;

double Chance() {
  static thread_local std::mt19937_64 engine{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(engine);
}

std::string HostName() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::string NewIdentity() {
  std::random_device dice;
  return HostName() + "_" + std::to_string(dice()) + std::to_string(dice());
}

std::string OwnNamespace(const OperatorOptions& options, const KubeAccess& access) {
  if (!options.own_name_space.empty()) return options.own_name_space;
  const char* pod = std::getenv("POD_NAMESPACE");
  return pod != nullptr && *pod != '\0' ? pod : access.name_space;
}

LeaderOptions LeaderOf(const OperatorOptions& options, const std::string& name_space,
                       const std::string& identity) {
  return {{name_space, options.lease},
          identity,
          options.lease_duration,
          options.renew_deadline,
          options.retry_period};
}

/// Twice what a renewal with its pause may take: half the deadline, and 2.2 periods.
Duration LoopSilence(const OperatorOptions& options) {
  return std::max(kLoopSilence, options.renew_deadline + 5 * options.retry_period);
}

KubeClientOptions ClientOptions(const OperatorOptions& options, Logger& log,
                                OperatorMetrics& metrics, const std::string& server,
                                const std::string& suffix) {
  KubeClientOptions client;
  client.user_agent = "etcdrestore/" + options.version + " (linux/amd64)" + suffix;
  client.warn = [&log](const std::string& text) { log.Warn("Server warns", {{"text", text}}); };
  const std::string host = server.substr(server.find("//") + 2);
  client.observe = [&metrics, host](const std::string& code, const std::string& method,
                                    double seconds) {
    metrics.OnRequest(host, code, method, seconds);
  };
  client.retried = [&metrics, host](const std::string& code, const std::string& method) {
    metrics.OnRetry(host, code, method);
  };
  return client;
}

MetricLabels BuildLabels(const OperatorOptions& options) {
  MetricLabels labels = LibraryVersions();
  labels["version"] = options.version;
  labels["revision"] = options.revision;
  return labels;
}

void LogLeaseFailure(Logger& log, const std::string& lease, const Error& error) {
  log.Warn("Cannot take or renew the Lease",
           {{"lease", lease},
            {"reason", error.reason},
            {"error", error.message},
            {"advice",
             "this process tries again and cannot lead meanwhile; see that the API server can be "
             "reached, and that the role allows get, create and update of leases there"}});
}

/// All threads of the operator; built whole, ended in the order of its destructor.
class Operator {
 public:
  Operator(const OperatorOptions& options, const KubeAccess& access, Logger& log, Clock& clock)
      : options_(options),
        log_(log),
        clock_(clock),
        own_name_space_(OwnNamespace(options, access)),
        identity_(options.identity.empty() ? NewIdentity() : options.identity),
        leader_tick_(clock),
        watch_tick_(clock),
        metrics_(BuildLabels(options), options.lease, options.workers),
        api_(MakeKubeClient(access, ClientOptions(options, log, metrics_, access.server, ""),
                            clock)),
        lease_api_(MakeKubeClient(
            access, ClientOptions(options, log, metrics_, access.server, "/leader-election"),
            clock)),
        watched_(*api_, watch_tick_),
        guard_(clock),
        fenced_(*api_, guard_),
        queue_(clock),
        ledger_(fenced_, own_name_space_),
        events_(fenced_, clock, identity_),
        controller_({fenced_, clock, cache_, queue_, guard_, ledger_, events_, log, metrics_,
                     RunSession, options.state_dir, options.rke, options.workers}),
        reflector_({watched_, clock, WaitOrStop, Chance, cache_,
                    [this](const ObjectChange& change) { controller_.Changed(change); },
                    [this](const std::string& what, const std::string& why) {
                      metrics_.OnWatchRestarted(what);
                      log_.Info("Begun anew", {{"what", what}, {"why", why}});
                    }},
                   kEtcdRestores, options.name_space),
        election_({*lease_api_, clock,
                   [this](const Call& one, Duration pause) {
                     leader_tick_.Now();
                     WaitOrStop(one, pause);
                   },
                   Chance, guard_,
                   [&log](const std::string& holder) {
                     log.Info("Another process leads", {{"holder", holder}});
                   },
                   [this](int count) { metrics_.OnTransitions(count); },
                   [this](const KubeObject& lease, bool leads) {
                     events_.RecordAbout(Regarding(lease), LeadershipNote(identity_, leads));
                   },
                   [this](const Error& error) {
                     LogLeaseFailure(log_, own_name_space_ + "/" + options_.lease, error);
                   }},
                  LeaderOf(options, own_name_space_, identity_)) {}

  int Run(const Call& call) {
    if (Status listening = Listen(); !listening) {
      log_.Write(LogLevel::kError, "Cannot begin", {{"error", listening.error().message}});
      return 1;
    }
    Call reading = call;
    const std::jthread reflecting([this, reading] { reflector_.Run(reading); });
    log_.Info("Started", {{"identity", identity_}, {"namespace", own_name_space_}});
    if (!election_.Acquire(call)) return 0;
    log_.Info("Leading", {{"lease", own_name_space_ + "/" + options_.lease}});
    std::stop_source lease_stop;
    std::jthread holding([this, &lease_stop] { Hold(lease_stop.get_token()); });
    while (!reflector_.synced() && !call.stop.stop_requested()) WaitOrStop(call, 50ms);
    {
      std::vector<std::jthread> workers;
      const int threads = options_.workers + kLookers;
      workers.reserve(static_cast<std::size_t>(threads));
      for (int i = 0; i < threads; ++i)
        workers.emplace_back([this, call] { controller_.Work(call); });
      takers_ = threads;
      while (!call.stop.stop_requested()) {
        WaitOrStop(call, kTidy);
        // What lists and scrapes left in the heap goes back to the system.
        ::malloc_trim(0);
      }
      takers_ = 0;
      log_.Info("Stopping", {});
      grace_ = std::jthread([this](const std::stop_token& stop) { EndAfterGrace(stop); });
    }
    lease_stop.request_stop();
    holding.join();
    events_.Flush(kLastWords);
    election_.Release({});
    grace_.request_stop();
    log_.Info("Stopped", {});
    return 0;
  }

 private:
  void Hold(const std::stop_token& stop) {
    Call call;
    call.stop = stop;
    const Status held = election_.Hold(call);
    if (held) return;
    log_.Write(LogLevel::kError, "Lease lost", {{"error", held.error().message}});
    // Another process may lead by now: no destructor, no last word may touch anything.
    std::_Exit(1);
  }

  /// An act on a node that does not end in time is cut; the next leader goes on from what it finds.
  void EndAfterGrace(const std::stop_token& stop) {
    Call call;
    call.stop = stop;
    WaitOrStop(call, kGrace);
    if (stop.stop_requested()) return;
    log_.Warn("Grace period is over", {});
    std::_Exit(1);
  }

  std::vector<HealthCheck> LiveChecks() {
    const auto within = [](Duration silence, Duration most) {
      return silence < most ? "" : "has not come back for " + HumanDuration(silence);
    };
    return {{"ping", [] { return ""; }},
            {"leaderElection",
             [this, within] { return within(leader_tick_.Silence(), LoopSilence(options_)); }},
            {"watch", [this, within] { return within(watch_tick_.Silence(), kWatchSilence); }},
            {"workers", [this, within] { return within(Neglect(), kLoopSilence); }}};
  }

  /// For how long a key has been due that a free worker does not take.
  Duration Neglect() {
    return takers_watch_.Neglect({queue_.NextDue(), queue_.Numbers().busy,
                                  static_cast<std::size_t>(takers_.load()), metrics_.taken()},
                                 clock_.Steady());
  }

  std::vector<HealthCheck> ReadyChecks() {
    return {{"ping", [] { return ""; }},
            {"objects", [this] { return reflector_.synced() ? "" : "they are not listed yet"; }}};
  }

  Status Listen() {
    auto opened = Endpoints::Open(
        {clock_, log_, *api_, HostName(), LiveChecks(), ReadyChecks(), [this] { return Scrape(); },
         [this](bool fine) { metrics_.OnCertificateRead(fine); }},
        options_);
    if (!opened) return opened.error();
    endpoints_ = std::move(*opened);
    return {};
  }

  std::string Scrape() {
    metrics_.OnLeading(static_cast<bool>(guard_.Check()));
    metrics_.OnScrape(queue_.Numbers(), clock_.Steady());
    return metrics_.Text();
  }

  const OperatorOptions& options_;
  Logger& log_;
  Clock& clock_;
  const std::string own_name_space_;
  const std::string identity_;
  LoopTick leader_tick_;
  LoopTick watch_tick_;
  std::atomic<int> takers_ = 0;  ///< threads that take from the queue
  TakersWatch takers_watch_;
  OperatorMetrics metrics_;
  std::unique_ptr<KubeApi> api_;
  std::unique_ptr<KubeApi> lease_api_;
  TickingKube watched_;
  LeaderGuard guard_;
  FencedKube fenced_;
  ObjectCache cache_;
  WorkQueue queue_;
  RunLedger ledger_;
  EventRecorder events_;
  Controller controller_;
  Reflector reflector_;
  LeaderElection election_;
  std::unique_ptr<Endpoints> endpoints_;
  std::jthread grace_;
};

}  // namespace

Status CheckOptions(const OperatorOptions& options) {
  if (options.name_space.find(',') != std::string::npos)
    return Terminal("InvalidOptions",
                    "--namespace, or WATCH_NAMESPACE: `" + options.name_space +
                        "` is more than one; give one namespace, or none for all");
  if (!options.metrics_secure && !options.metrics_cert_path.empty())
    return Terminal("InvalidOptions",
                    "--metrics-cert-path: metrics are plain http without --metrics-secure; give "
                    "both or none");
  if (!options.leader_elect)
    return Terminal("InvalidOptions",
                    "--leader-elect=false: without the Lease two operators could restore one "
                    "cluster at once, and nothing would keep a stalled one from acting late; leave "
                    "the flag out. One operator alone leads a moment after its start");
  if (options.http2)
    return Terminal("InvalidOptions",
                    "--enable-http2: metrics and probes are served through HTTP/1.1 alone; leave "
                    "the flag out");
  return CheckTimes(LeaderOf(options, "", ""));
}

int RunOperator(const Call& call, const OperatorOptions& options) {
  // Few threads work at a time: heaps of their own would only keep what each once needed. Large
  // buffers, those of lists and scrapes, are given back when they are freed.
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_MMAP_THRESHOLD, 128 << 10);
  RealClock clock;
  const auto log = MakeOperatorLogger(stderr, options.log, clock);
  const auto access = FindAccess(options.kubeconfig, options.context);
  if (!access) {
    log->Write(LogLevel::kError, "Cannot begin",
               {{"reason", access.error().reason}, {"error", access.error().message}});
    return 1;
  }
  if (OwnNamespace(options, *access).empty()) {
    log->Write(LogLevel::kError, "Cannot begin",
               {{"reason", "NamespaceUnknown"},
                {"error",
                 "the service account does not say which namespace this pod is in, and the Lease "
                 "must not move: give --operator-namespace, or set POD_NAMESPACE"}});
    return 1;
  }
  Call logged = call;
  logged.log = log.get();
  return Operator(options, *access, *log, clock).Run(logged);
}

}  // namespace etcdrestore
