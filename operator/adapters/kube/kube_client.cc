#include "operator/adapters/kube/kube_client.h"

#include <algorithm>

#include "operator/adapters/http/url.h"
#include "operator/adapters/kube/api_error.h"
#include "operator/adapters/kube/credentials.h"
#include "operator/adapters/kube/json_frames.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxObject = 8U << 20U;
constexpr auto kRequestTime = 60s;
constexpr auto kLongestPause = 30s;
/// Once a stream has carried a bookmark the server repeats one each minute.
constexpr auto kBookmarkSilence = 170s;
/// A server without progress notifications of its etcd may never say that the beginning is over.
constexpr auto kInitialEvents = 30s;

std::string Text(const KubeObject& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() && found->is_string()
             ? found->get<std::string>()
             : "";
}

/// Of the events that are about an object; nullopt for any other word.
std::optional<KubeEventType> TypeOf(const std::string& kind) {
  if (kind == "ADDED") return KubeEventType::kAdded;
  if (kind == "MODIFIED") return KubeEventType::kModified;
  if (kind == "DELETED") return KubeEventType::kDeleted;
  return std::nullopt;
}

bool EndsInitialEvents(const KubeObject& bookmark) {
  const KubeObject metadata = bookmark.value("metadata", KubeObject::object());
  const KubeObject annotations = metadata.value("annotations", KubeObject::object());
  return Text(annotations, "k8s.io/initial-events-end") == "true";
}

/// Words of nodes may hold anything; half a character must not end the operator.
std::string Dumped(const KubeObject& body) {
  return body.dump(-1, ' ', false, KubeObject::error_handler_t::replace);
}

class KubeClient final : public KubeApi {
 public:
  KubeClient(KubeAccess access, KubeClientOptions options, const Clock& clock)
      : access_(access),
        options_(std::move(options)),
        clock_(clock),
        credentials_(std::move(access), options_.user_agent, clock) {
    base_ = access_.server;
    if (!access_.tls_server_name.empty()) {
      const auto url = ParseUrl(access_.server);
      if (url) base_ = url->scheme + "://" + access_.tls_server_name + url->path;
    }
  }

  Result<KubeObject> Get(const Call& call, const KubeType& type, const KubeName& name) override {
    HttpRequest request;
    request.url = base_ + KubePath(type, name.name_space, name.name);
    const auto response = Ask(call.Within(kRequestTime), request, "get " + Shown(type, name));
    if (!response) return response.error();
    return Body(*response);
  }

  Result<KubeListEnd> List(const Call& call, const KubeType& type, const std::string& name_space,
                           const KubeListOptions& options,
                           const std::function<void(KubeObject)>& item) override {
    const std::string path = base_ + KubePath(type, name_space, "");
    const std::string doing = "list " + type.plural;
    KubeListEnd end;
    std::string more;
    do {
      std::string query;
      if (options.page > 0) query = "limit=" + std::to_string(options.page);
      if (!more.empty()) query += "&continue=" + UriEncode(more, false);
      if (more.empty() && !options.resource_version.empty())
        query += "&resourceVersion=" + UriEncode(options.resource_version, false);
      ListFrames frames(item);
      HttpRequest request;
      request.url = path + "?" + query;
      request.sink = [&](std::string_view bytes) { return frames.Take(bytes); };
      // Not repeated by itself: items of a broken answer were given already.
      const auto response = Once(call.Within(kRequestTime), request, doing);
      if (!response) return response.error();
      const auto envelope = frames.Finish();
      if (!envelope) return envelope.error().In(doing);
      const KubeObject meta = envelope->value("metadata", KubeObject::object());
      end.resource_version = Text(meta, "resourceVersion");
      more = Text(meta, "continue");
      end.paged = end.paged || !more.empty();
    } while (!more.empty());
    return end;
  }

  Status Watch(const Call& call, const KubeType& type, const std::string& name_space,
               const KubeWatchOptions& options,
               const std::function<void(KubeEvent)>& event) override {
    const std::string doing = "watch " + type.plural;
    std::optional<Error> ended;
    std::optional<SteadyTime> silent_at;
    std::optional<SteadyTime> late_at;
    if (options.initial_events) late_at = clock_.Steady() + kInitialEvents;
    JsonFrames frames(
        [&](const KubeObject& frame) -> Status {
          const std::string kind = Text(frame, "type");
          KubeObject object = frame.value("object", KubeObject());
          if (kind == "ERROR") {
            ended = ApiStatusError(doing, object.dump(), 0);
            return *ended;
          }
          if (kind == "BOOKMARK" || silent_at) silent_at = clock_.Steady() + kBookmarkSilence;
          if (kind == "BOOKMARK") {
            const bool initial_end = EndsInitialEvents(object);
            if (initial_end) late_at.reset();
            event({KubeEventType::kBookmark, std::move(object), initial_end});
          } else if (const auto what = TypeOf(kind)) {
            event({*what, std::move(object)});
          }
          return {};
        },
        kMaxObject);
    HttpRequest request;
    request.url = base_ + KubePath(type, name_space, "") +
                  "?watch=true&allowWatchBookmarks=true&timeoutSeconds=" +
                  std::to_string(options.timeout.count()) +
                  "&resourceVersion=" + UriEncode(options.resource_version, false);
    if (options.initial_events)
      request.url += "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    request.idle_timeout = 0s;
    request.sink = [&](std::string_view bytes) { return frames.Take(bytes); };
    request.alive = [&]() -> Status {
      if (late_at && clock_.Steady() >= *late_at)
        return Transient("InitialEventsLate",
                         doing + ": the server did not say that its list is whole");
      if (!silent_at || clock_.Steady() < *silent_at) return {};
      return Transient("WatchSilent", doing + ": no bookmark for " + HumanDuration(170s));
    };
    const auto response = Once(call.Within(options.timeout + 5s), request, doing);
    if (response) return {};
    const Error& error = response.error();
    // A stream that broke off after it stood is an end like any other: nothing is lost, the next
    // one begins where this one stopped.
    const bool stood = error.reason == "ConnectionLost" || error.reason == "DeadlineExceeded";
    return stood && !call.Over() ? Status() : Status(error);
  }

  Result<KubeObject> Write(const Call& call, const KubeWrite& write) override {
    HttpRequest request;
    request.url =
        base_ + KubePath(write.type, write.name.name_space,
                         write.verb == KubeVerb::kCreate ? "" : write.name.name, write.subresource);
    if (!write.body.is_null()) request.body = Dumped(write.body);
    std::string content = "application/json";
    std::string doing;
    const std::string manager = "?fieldManager=" + UriEncode(options_.field_manager, false);
    switch (write.verb) {
      case KubeVerb::kCreate:
        request.method = "POST";
        request.url += manager;
        doing = "create ";
        break;
      case KubeVerb::kReplace:
        request.method = "PUT";
        request.url += manager;
        doing = "replace ";
        break;
      case KubeVerb::kApply:
        request.method = "PATCH";
        request.url += manager + "&force=true";
        content = "application/apply-patch+yaml";
        doing = "apply ";
        break;
      case KubeVerb::kMerge:
        request.method = "PATCH";
        request.url += manager;
        content = "application/merge-patch+json";
        doing = "patch ";
        break;
      case KubeVerb::kDelete:
        request.method = "DELETE";
        doing = "delete ";
        break;
    }
    request.headers = {{"Content-Type", content}};
    doing += Shown(write.type, write.name) + (write.subresource.empty() ? "" : "/status");
    const auto response = Ask(call.Within(kRequestTime), request, doing);
    if (!response && write.verb == KubeVerb::kDelete && response.error().reason == "NotFound")
      return KubeObject();
    if (!response) return response.error();
    if (write.verb == KubeVerb::kDelete) return KubeObject();
    return Body(*response);
  }

 private:
  [[nodiscard]] static std::string Shown(const KubeType& type, const KubeName& name) {
    return type.plural + (name.name.empty() ? "" : " " + name.Key());
  }

  static Result<KubeObject> Body(const HttpResponse& response) {
    auto body = KubeObject::parse(response.body, nullptr, false);
    if (!body.is_object()) return Transient("BadAnswer", "the answer is no JSON object");
    return body;
  }

  /// One answer, 2xx; with fresh credentials a second time after a 401.
  Result<HttpResponse> Once(const Call& call, const HttpRequest& request,
                            const std::string& doing) {
    for (int tries = 0;; ++tries) {
      auto current = credentials_.Get(call);
      if (!current) return current.error().In(doing);
      HttpRequest one = request;
      one.headers.emplace_back("Accept", "application/json");
      if (!current->token.empty())
        one.headers.emplace_back("Authorization", "Bearer " + current->token.Reveal());
      const SteadyTime start = clock_.Steady();
      auto response = current->http->Send(call, one);
      Observe(request.method, start, response);
      if (!response) return response.error().In(doing);
      if (response->status >= 200 && response->status < 300) {
        if (const auto warning = response->Header("warning"); warning && options_.warn)
          options_.warn(*warning);
        return response;
      }
      if (response->status == 401) credentials_.Refuse();
      if (response->status == 401 && tries == 0) {
        Retried("401", request.method);
        continue;
      }
      pause_ = {};
      if (const auto asked = response->Header("retry-after")) {
        const auto pause = ParseRetryAfter(*asked, clock_.Now());
        if (pause) return Paused(ApiError(doing, *response), *pause);
      }
      return ApiError(doing, *response);
    }
  }

  static Error Paused(Error error, Duration pause) {
    pause_ = std::min<Duration>(pause, kLongestPause);
    return error;
  }

  /// With the repetitions that are safe.
  Result<HttpResponse> Ask(const Call& call, const HttpRequest& request, const std::string& doing) {
    for (int failures = 1;; ++failures) {
      pause_ = {};
      auto response = Once(call, request, doing);
      if (response) return response;
      const std::string& reason = response.error().reason;
      const bool broken = reason == "ConnectionLost" || reason == "Timeout";
      if (!pause_ && !(broken && request.method == "GET")) return response;
      if (Status next = options_.retry.Next(call, response.error(), failures, pause_); !next)
        return next.error();
      Retried(code_, request.method);
    }
  }

  void Observe(const std::string& method, SteadyTime start, const Result<HttpResponse>& response) {
    code_ = response ? std::to_string(response->status) : "<error>";
    if (!options_.observe) return;
    const std::chrono::duration<double> took = clock_.Steady() - start;
    options_.observe(code_, method, took.count());
  }

  void Retried(const std::string& code, const std::string& method) const {
    if (options_.retried) options_.retried(code, method);
  }

  const KubeAccess access_;
  const KubeClientOptions options_;
  const Clock& clock_;
  std::string base_;
  Credentials credentials_;
  /// What the last answer of this thread asked for, and its code.
  static thread_local std::optional<Duration> pause_;
  static thread_local std::string code_;
};

thread_local std::optional<Duration> KubeClient::pause_;
thread_local std::string KubeClient::code_;

}  // namespace

std::string KubePath(const KubeType& type, const std::string& name_space, const std::string& name,
                     const std::string& subresource) {
  std::string path = type.group.empty() ? "/api/" : "/apis/" + type.group + "/";
  path += type.version;
  if (!name_space.empty()) path += "/namespaces/" + UriEncode(name_space, false);
  path += "/" + type.plural;
  if (!name.empty()) path += "/" + UriEncode(name, false);
  if (!subresource.empty()) path += "/" + subresource;
  return path;
}

std::unique_ptr<KubeApi> MakeKubeClient(KubeAccess access, KubeClientOptions options,
                                        const Clock& clock) {
  return std::make_unique<KubeClient>(std::move(access), std::move(options), clock);
}

}  // namespace etcdrestore
