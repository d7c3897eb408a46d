#include "operator/adapters/kube/kube_client.h"

#include "operator/adapters/http/url.h"
#include "operator/adapters/kube/json_frames.h"
#include "operator/adapters/kube/requester.h"
#include "operator/adapters/kube/watch_stream.h"
#include "operator/ports/json_text.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

constexpr auto kRequestTime = 60s;

/// Requests name the server as its certificate does.
std::string BaseOf(const KubeAccess& access) {
  const auto url = ParseUrl(access.server);
  if (access.tls_server_name.empty() || !url) return access.server;
  return url->scheme + "://" + access.tls_server_name + url->path;
}

std::string ListQuery(const KubeListOptions& options, const std::string& more) {
  std::string query;
  if (options.page > 0) query += "&limit=" + std::to_string(options.page);
  // The token knows the version that its first page began with.
  if (!more.empty()) {
    query += "&continue=" + UriEncode(more, false);
  } else if (!options.resource_version.empty()) {
    query += "&resourceVersion=" + UriEncode(options.resource_version, false);
  }
  if (!query.empty()) query.front() = '?';
  return query;
}

Error OfLaterPage(Error error) {
  if (error.reason == "Expired") error.reason = "PageExpired";
  return error;
}

class KubeClient final : public KubeApi {
 public:
  KubeClient(KubeAccess access, KubeClientOptions options, const Clock& clock)
      : base_(BaseOf(access)),
        field_manager_(options.field_manager),
        limits_(options.watch),
        clock_(clock),
        requester_(std::move(access), std::move(options), clock) {}

  Result<KubeObject> Get(const Call& call, const KubeType& type, const KubeName& name) override {
    HttpRequest request;
    request.url = base_ + KubePath(type, name.name_space, name.name);
    const auto response = Ask(call, request, "get " + Shown(type, name));
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
      ListFrames frames(item);
      HttpRequest request;
      request.url = path + ListQuery(options, more);
      request.sink = [&](std::string_view bytes) { return frames.Take(bytes); };
      const auto response = requester_.Ask(
          call, kRequestTime, [&] { return request; }, doing);
      if (!response) return more.empty() ? response.error() : OfLaterPage(response.error());
      const auto envelope = frames.Finish();
      if (!envelope) return envelope.error().In(doing);
      const KubeObject meta = envelope->value("metadata", KubeObject::object());
      end.resource_version = TextField(meta, "resourceVersion");
      if (end.resource_version.empty())
        return Transient("BadAnswer", doing + ": the list has no resourceVersion");
      more = TextField(meta, "continue");
      end.paged = end.paged || !more.empty();
    } while (!more.empty());
    return end;
  }

  Status Watch(const Call& call, const KubeType& type, const std::string& name_space,
               const KubeWatchOptions& options,
               const std::function<void(KubeEvent)>& event) override {
    const std::string doing = "watch " + type.plural;
    std::optional<WatchStream> stream;
    HttpRequest request;
    request.url = base_ + KubePath(type, name_space, "") +
                  "?watch=true&allowWatchBookmarks=true&timeoutSeconds=" +
                  std::to_string(options.timeout.count()) +
                  "&resourceVersion=" + UriEncode(options.resource_version, false);
    if (options.initial_events)
      request.url += "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    request.idle_timeout = 0s;
    request.sink = [&](std::string_view bytes) { return stream->Take(bytes); };
    request.alive = [&] { return stream->Alive(); };
    const auto form = [&] {
      stream.emplace(WatchStream::Deps{type, clock_, *call.log, limits_, doing, event},
                     options.initial_events);
      return request;
    };
    const auto response = requester_.Ask(call, options.timeout + 5s, form, doing);
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
    if (!write.body.is_null()) request.body = JsonText(write.body);
    std::string content = "application/json";
    std::string doing;
    const std::string manager = "?fieldManager=" + UriEncode(field_manager_, false);
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
    const auto response = Ask(call, request, doing);
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

  /// For what is asked for once and then waited for: a minute is all it may take.
  Result<HttpResponse> Ask(const Call& call, const HttpRequest& request, const std::string& doing) {
    return requester_.Ask(
        call.Within(kRequestTime), kRequestTime, [&] { return request; }, doing);
  }

  static Result<KubeObject> Body(const HttpResponse& response) {
    auto body = KubeObject::parse(response.body, nullptr, false);
    if (!body.is_object()) return Transient("BadAnswer", "the answer is no JSON object");
    return body;
  }

  const std::string base_;
  const std::string field_manager_;
  const WatchLimits limits_;
  const Clock& clock_;
  Requester requester_;
};

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

Retry KubeRetry() {
  Retry retry = Retry::Real();
  retry.attempts = 10;
  return retry;
}

std::unique_ptr<KubeApi> MakeKubeClient(KubeAccess access, KubeClientOptions options,
                                        const Clock& clock) {
  return std::make_unique<KubeClient>(std::move(access), std::move(options), clock);
}

}  // namespace etcdrestore
