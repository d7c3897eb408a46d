#include "operator/adapters/http/s3_store.h"

#include <algorithm>
#include <utility>

#include "operator/adapters/http/s3_xml.h"

namespace etcdrestore {
namespace {

constexpr std::size_t kMostObjects = 100'000;
constexpr std::size_t kLongestPage = 8U << 20U;

bool IsAddress(const std::string& host) {
  return host.starts_with('[') || host.find_first_not_of("0123456789.") == std::string::npos;
}

std::string AwsHost(const std::string& region) {
  return "s3." + region + ".amazonaws.com" + (region.starts_with("cn-") ? ".cn" : "");
}

/// Anything that could leave its place in a URL is refused; the rest is the server's business.
bool UsableBucket(const std::string& bucket) {
  const auto usable = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  return bucket.size() >= 3 && bucket.size() <= 255 && bucket.find("..") == std::string::npos &&
         std::all_of(bucket.begin(), bucket.end(), usable);
}

Result<Url> Endpoint(const S3Options& options) {
  std::string text = options.endpoint.empty() ? AwsHost(options.region) : options.endpoint;
  if (text.find("://") == std::string::npos) text = "https://" + text;
  Result<Url> url = ParseUrl(text);
  if (!url) return url;
  if (url->host == "s3.amazonaws.com") url->host = AwsHost(options.region);
  if (!url->query.empty()) return Terminal("BadRequest", "the S3 endpoint has a query");
  while (url->path.ends_with('/')) url->path.pop_back();
  if (url->path.find('%') != std::string::npos)
    return Terminal("BadRequest", "the S3 endpoint " + text + " has escapes in its path");
  return url;
}

}  // namespace

Result<std::unique_ptr<S3Store>> S3Store::Open(S3Options options, const Clock& clock, Retry retry) {
  if (options.region.empty()) options.region = "us-east-1";
  if (!UsableBucket(options.bucket))
    return Terminal("BadRequest", "\"" + options.bucket + "\" is no bucket name");
  if (options.credentials.access_key.empty() != options.credentials.secret_key.empty()) {
    return Terminal("BadRequest",
                    "S3 credentials are incomplete: give access key id and secret access key, or "
                    "neither for a public bucket");
  }
  Result<Url> endpoint = Endpoint(options);
  if (!endpoint) return std::move(endpoint).In("S3 endpoint").error();
  Result<std::unique_ptr<HttpClient>> http = HttpClient::Open(options.http);
  if (!http) return std::move(http).In("S3 endpoint " + endpoint->Origin()).error();
  return std::unique_ptr<S3Store>(new S3Store(std::move(options), std::move(*endpoint),
                                              std::move(*http), clock, std::move(retry)));
}

S3Store::S3Store(S3Options options, Url endpoint, std::unique_ptr<HttpClient> http,
                 const Clock& clock, Retry retry)
    : options_(std::move(options)),
      endpoint_(std::move(endpoint)),
      path_style_(options_.force_path_style || IsAddress(endpoint_.host) ||
                  (endpoint_.scheme == "https" && options_.bucket.find('.') != std::string::npos)),
      client_(std::move(http)),
      clock_(clock),
      retry_(std::move(retry)),
      http_{*client_, clock_, retry_} {}

SignableRequest S3Store::Address(const std::string& key) const {
  SignableRequest request;
  request.host =
      path_style_ ? endpoint_.Authority() : options_.bucket + "." + endpoint_.Authority();
  request.path = endpoint_.path + (path_style_ ? "/" + options_.bucket : "") + "/" + key;
  // "/bucket/" is an object without a name to some servers.
  if (key.empty() && path_style_) request.path.pop_back();
  request.payload_hash = kEmptyPayload;
  return request;
}

HttpRequest S3Store::Form(const SignableRequest& request) const {
  HttpRequest out;
  out.method = request.method;
  out.url = endpoint_.scheme + "://" + request.host + UriEncode(request.path, true);
  if (!request.query.empty()) out.url += "?" + CanonicalQuery(request.query);
  out.headers = request.headers;
  if (options_.credentials.access_key.empty()) return out;
  const SigningScope scope{options_.region, "s3", clock_.Now()};
  out.headers = SignHeaders(options_.credentials, scope, request);
  return out;
}

ObjectHttp::Classify S3Store::Classify(const std::string& what) const {
  return [this, what](const HttpResponse& response) {
    return ClassifyS3({what, endpoint_.Origin(), options_.bucket, options_.region,
                       options_.credentials.access_key.empty(), clock_.Now()},
                      response);
  };
}

ObjectHttp::Object S3Store::Object(const std::string& key, const std::string& verb) const {
  ObjectHttp::Object object;
  object.key = key;
  object.name = "object " + key + " in " + Describe();
  object.classify = Classify(verb + " object " + key + " in " + Describe());
  object.form = [this, key](const HttpHeaders& extra) {
    SignableRequest request = Address(key);
    request.headers = extra;
    return Form(request);
  };
  return object;
}

Result<std::vector<ObjectInfo>> S3Store::List(const Call& call, const std::string& prefix) {
  const std::string what = "list " + (prefix.empty() ? "" : "\"" + prefix + "\" in ") + Describe();
  std::vector<ObjectInfo> all;
  std::string token;
  while (true) {
    const auto form = [&](const HttpHeaders&) {
      SignableRequest request = Address("");
      request.query = {{"list-type", "2"}, {"encoding-type", "url"}, {"max-keys", "1000"}};
      if (!prefix.empty()) request.query.emplace_back("prefix", prefix);
      if (!token.empty()) request.query.emplace_back("continuation-token", token);
      HttpRequest out = Form(request);
      out.max_body = kLongestPage;
      return out;
    };
    Result<HttpResponse> response = http_.Ask(call, form, Classify(what));
    if (!response) return response.error();
    Result<S3ListPage> page = ParseListPage(response->body);
    if (!page) return std::move(page).In(what).error();
    all.insert(all.end(), page->objects.begin(), page->objects.end());
    if (!page->truncated) break;
    if (all.size() >= kMostObjects)
      return Terminal("BadRequest", what + ": more than 100000 objects; give a narrower prefix");
    if (page->next_token == token || page->objects.empty())
      return Terminal("BadXml", what + ": the server's list does not advance");
    token = page->next_token;
  }
  std::sort(all.begin(), all.end(),
            [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; });
  return all;
}

Result<ObjectInfo> S3Store::Head(const Call& call, const std::string& key) {
  if (key.empty()) return Terminal("BadRequest", "an object without a name in " + Describe());
  return http_.Look(call, Object(key, "look at"));
}

Result<ObjectInfo> S3Store::Get(const Call& call, const std::string& key, const ByteSink& sink) {
  if (key.empty()) return Terminal("BadRequest", "an object without a name in " + Describe());
  return http_.Download(call, Object(key, "get"), sink);
}

Result<Secret> S3Store::Presign(const std::string& key, std::chrono::seconds validity,
                                SystemTime now) {
  const SignableRequest request = Address(key);
  const std::string url = endpoint_.scheme + "://" + request.host + UriEncode(request.path, true);
  if (options_.credentials.access_key.empty()) return Secret(url);
  Result<Secret> query =
      PresignQuery(options_.credentials, {options_.region, "s3", now}, request, validity);
  if (!query) return query;
  return Secret(url + "?" + query->Reveal());
}

std::string S3Store::Describe() const {
  return "s3 bucket " + options_.bucket + " at " + endpoint_.Origin();
}

}  // namespace etcdrestore
