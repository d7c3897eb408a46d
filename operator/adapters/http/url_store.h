#pragma once

#include <memory>
#include <string>

#include "operator/adapters/http/http_client.h"
#include "operator/adapters/http/object_http.h"
#include "operator/adapters/http/retry.h"
#include "operator/adapters/http/url.h"
#include "operator/ports/object_store.h"

namespace etcdrestore {

/// One http(s) URL as an ObjectStore of one object. Keys given are ignored; the object's own key is
/// the decoded last part of the URL's path. Follows up to five redirects, never from https to http.
/// A web page (text/html) is refused: a login form is not a snapshot. Sizes are 0 where the server
/// does not tell. Thread safe; `clock` is borrowed.
class UrlStore final : public ObjectStore {
 public:
  /// Error BadRequest for an unusable URL, BadCertificate for an unreadable CA.
  static Result<std::unique_ptr<UrlStore>> Open(const Secret& url, HttpOptions http,
                                                const Clock& clock, Retry retry = Retry::Real());

  /// The object, when its key starts with `prefix`; asks the server.
  Result<std::vector<ObjectInfo>> List(const Call& call, const std::string& prefix) override;
  Result<ObjectInfo> Head(const Call& call, const std::string& key) override;
  Result<ObjectInfo> Get(const Call& call, const std::string& key, const ByteSink& sink) override;
  /// The URL itself, whatever the validity: it holds as long as its owner lets it.
  Result<Secret> Presign(const std::string& key, std::chrono::seconds validity,
                         SystemTime now) override;
  [[nodiscard]] std::string Describe() const override;

 private:
  UrlStore(Secret url, std::string key, std::unique_ptr<HttpClient> http, const Clock& clock,
           Retry retry);
  [[nodiscard]] ObjectHttp::Object Object() const;

  const Secret url_;  ///< it may be a presigned one
  const std::string key_;
  const std::unique_ptr<HttpClient> client_;
  const Clock& clock_;
  const Retry retry_;
  const ObjectHttp http_;
};

}  // namespace etcdrestore
