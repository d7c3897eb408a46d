#include "operator/adapters/http/url_store.h"

#include <utility>

namespace etcdrestore {
namespace {

Error Classify(const std::string& name, const HttpResponse& response) {
  const int status = response.status;
  const std::string head = "get " + name + ": HTTP " + std::to_string(status) + ": ";
  if (status == 401 || status == 403) {
    return Terminal("AccessDenied", head +
                                        "the server refuses; if this is a presigned URL it may "
                                        "have expired, make a new one");
  }
  if (status == 404 || status == 410)
    return Terminal("NotFound", head + "there is nothing at this URL; check it");
  if (status == 408) return Transient("Timeout", head + "the server gave up waiting");
  if (status == 429) return Transient("Throttled", head + "the server asks to go slower");
  if (status >= 500) return Transient("Unavailable", head + "the server is not available");
  return Terminal("BadRequest", head + "the server does not accept the request; check the URL");
}

Status RefuseWebPage(const std::string& name, const HttpResponse& response) {
  const std::string type = response.Header("content-type").value_or("");
  if (!type.starts_with("text/html") && !type.starts_with("application/xhtml")) return {};
  return Terminal("BadRequest", name +
                                    ": this is a web page, not a snapshot; a login page or a "
                                    "file browser? Give the URL of the file itself");
}

/// The last part of the path, decoded; '+' stays, as in every path.
std::string KeyOf(const Url& url) {
  std::string part = url.path.substr(url.path.rfind('/') + 1);
  for (std::size_t at = 0; (at = part.find('+', at)) != std::string::npos; at += 3)
    part.replace(at, 1, "%2B");
  return UriDecode(part).value_or(part);
}

}  // namespace

Result<std::unique_ptr<UrlStore>> UrlStore::Open(const Secret& url, HttpOptions http,
                                                 const Clock& clock, Retry retry) {
  Result<Url> parsed = ParseUrl(url.Reveal());
  if (!parsed) return parsed.error();
  Result<std::unique_ptr<HttpClient>> client = HttpClient::Open(std::move(http));
  if (!client) return std::move(client).In(RedactUrl(url.Reveal())).error();
  return std::unique_ptr<UrlStore>(
      new UrlStore(url, KeyOf(*parsed), std::move(*client), clock, std::move(retry)));
}

UrlStore::UrlStore(Secret url, std::string key, std::unique_ptr<HttpClient> http,
                   const Clock& clock, Retry retry)
    : url_(std::move(url)),
      key_(std::move(key)),
      client_(std::move(http)),
      clock_(clock),
      retry_(std::move(retry)),
      http_{*client_, clock_, retry_} {}

ObjectHttp::Object UrlStore::Object() const {
  ObjectHttp::Object object;
  object.key = key_;
  object.name = Describe();
  object.classify = [this](const HttpResponse& response) { return Classify(Describe(), response); };
  object.accept = [this](const HttpResponse& response) {
    return RefuseWebPage(Describe(), response);
  };
  object.form = [this](const HttpHeaders& extra) {
    HttpRequest request;
    request.url = url_.Reveal();
    request.headers = extra;
    request.max_redirects = 5;
    return request;
  };
  return object;
}

Result<std::vector<ObjectInfo>> UrlStore::List(const Call& call, const std::string& prefix) {
  if (!key_.starts_with(prefix)) return std::vector<ObjectInfo>{};
  Result<ObjectInfo> info = http_.Look(call, Object());
  if (!info) return info.error();
  return std::vector<ObjectInfo>{std::move(*info)};
}

Result<ObjectInfo> UrlStore::Head(const Call& call, const std::string&) {
  return http_.Look(call, Object());
}

Result<ObjectInfo> UrlStore::Get(const Call& call, const std::string&, const ByteSink& sink) {
  return http_.Download(call, Object(), sink);
}

Result<Secret> UrlStore::Presign(const std::string&, std::chrono::seconds, SystemTime) {
  return url_;
}

std::string UrlStore::Describe() const { return RedactUrl(url_.Reveal()); }

}  // namespace etcdrestore
