#pragma once

#include <functional>

#include "operator/adapters/http/http_client.h"
#include "operator/adapters/http/retry.h"
#include "operator/base/clock.h"
#include "operator/ports/object_store.h"

namespace etcdrestore {

/// What S3 and plain URLs have in common: ask with retries, look at an object, download it whole
/// across broken connections. Borrows everything; thread safe.
struct ObjectHttp {
  HttpClient& http;
  const Clock& clock;
  const Retry& retry;

  /// Makes the request anew for each try, so that its signature carries the present time; `extra`
  /// are headers to be sent (and signed) besides.
  using Form = std::function<HttpRequest(const HttpHeaders& extra)>;
  /// Names the refusal in an answer that is not 2xx.
  using Classify = std::function<Error(const HttpResponse&)>;
  /// Refuses an answer by its headers (a web page where a snapshot should be); may be empty.
  using Accept = std::function<Status(const HttpResponse&)>;

  struct Object {
    std::string key;   ///< for the result
    std::string name;  ///< for messages
    Form form;
    Classify classify;
    Accept accept;
  };

  /// One small answer, 2xx.
  Result<HttpResponse> Ask(const Call& call, const Form& form, const Classify& classify) const;

  /// Size and time, by asking for the first byte: unlike HEAD it works with presigned URLs, and a
  /// refusal has a body that says why. Size is 0 where the server does not tell it.
  Result<ObjectInfo> Look(const Call& call, const Object& object) const;

  /// The whole object, each byte once and in order. Resumes with Range while ETag (or else
  /// Last-Modified) and length prove that it is the same object, skips what it has where the server
  /// ignores Range. Errors besides those of `classify` and HttpClient: ShortBody (transient; the
  /// object changed, start again with an empty file) and the sink's own, which end it at once.
  /// A server that sends neither length nor chunks can cut unnoticed: verify the digest.
  Result<ObjectInfo> Download(const Call& call, const Object& object, const ByteSink& sink) const;
};

}  // namespace etcdrestore
