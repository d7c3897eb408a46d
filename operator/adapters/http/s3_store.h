#pragma once

#include <memory>
#include <string>

#include "operator/adapters/http/http_client.h"
#include "operator/adapters/http/object_http.h"
#include "operator/adapters/http/retry.h"
#include "operator/adapters/http/s3_failure.h"
#include "operator/adapters/http/sigv4.h"
#include "operator/adapters/http/url.h"
#include "operator/ports/object_store.h"

namespace etcdrestore {

struct S3Options {
  /// URL or bare host name (then https); "" for AWS in `region`. "s3.amazonaws.com" becomes the
  /// region's own endpoint, as RKE's client does it.
  std::string endpoint;
  std::string region;  ///< "" for us-east-1, which servers other than AWS accept
  std::string bucket;
  /// https://endpoint/bucket/key instead of https://bucket.endpoint/key. Chosen without asking for
  /// addresses and for buckets whose dots would break the TLS name.
  bool force_path_style = false;
  AwsCredentials credentials;  ///< access_key "": requests are not signed (public buckets)
  HttpOptions http;            ///< CA, timeouts
};

/// ObjectStore over S3. Thread safe. `clock` is borrowed and outlives the store; it dates the
/// signatures.
class S3Store final : public ObjectStore {
 public:
  /// Error BadRequest for an unusable endpoint, bucket or half a pair of credentials,
  /// BadCertificate for an unreadable CA. Does not talk to the server.
  static Result<std::unique_ptr<S3Store>> Open(S3Options options, const Clock& clock,
                                               Retry retry = Retry::Real());

  /// At most 100 000 objects; more is error BadRequest.
  Result<std::vector<ObjectInfo>> List(const Call& call, const std::string& prefix) override;
  Result<ObjectInfo> Head(const Call& call, const std::string& key) override;
  Result<ObjectInfo> Get(const Call& call, const std::string& key, const ByteSink& sink) override;
  Result<Secret> Presign(const std::string& key, std::chrono::seconds validity,
                         SystemTime now) override;
  [[nodiscard]] std::string Describe() const override;

 private:
  S3Store(S3Options options, Url endpoint, std::unique_ptr<HttpClient> http, const Clock& clock,
          Retry retry);
  [[nodiscard]] SignableRequest Address(const std::string& key) const;
  [[nodiscard]] HttpRequest Form(const SignableRequest& request) const;
  [[nodiscard]] ObjectHttp::Classify Classify(const std::string& what) const;
  [[nodiscard]] ObjectHttp::Object Object(const std::string& key, const std::string& verb) const;

  const S3Options options_;
  const Url endpoint_;
  const bool path_style_;
  const std::unique_ptr<HttpClient> client_;
  const Clock& clock_;
  const Retry retry_;
  const ObjectHttp http_;
};

}  // namespace etcdrestore
