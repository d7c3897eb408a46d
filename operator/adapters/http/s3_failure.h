#pragma once

#include <string>

#include "operator/adapters/http/http_client.h"
#include "operator/base/clock.h"

namespace etcdrestore {

/// What was asked of an S3 server, for messages.
struct S3Asked {
  std::string what;      ///< "get prod/x.zip from s3 bucket backups at https://s3.example.com"
  std::string endpoint;  ///< origin
  std::string bucket;
  std::string region;
  bool anonymous = false;  ///< no credentials were given
  SystemTime now{};        ///< our clock when the answer came
};

/// Turns a refusal (any status but 2xx) into one of the ObjectStore's errors. The code in the body
/// decides before the status does: AWS answers expired tokens with 400 and unknown buckets to some
/// callers with 403. Pure. Source of the codes: "Error responses" of the S3 API reference.
Error ClassifyS3(const S3Asked& asked, const HttpResponse& response);

}  // namespace etcdrestore
