#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"
#include "operator/ports/object_store.h"

namespace etcdrestore {

/// One answer to ListObjectsV2.
struct S3ListPage {
  std::vector<ObjectInfo> objects;  ///< keys decoded
  bool truncated = false;
  std::string next_token;  ///< set when truncated
};

/// Error BadXml (terminal) for anything but a whole, well-formed ListBucketResult with at most 1000
/// objects.
Result<S3ListPage> ParseListPage(std::string_view body);

/// The body of a refusal. Fields are "" where the answer lacks them.
struct S3ErrorBody {
  std::string code, message, region, endpoint, server_time;
};

/// Reads what it can; an answer that is no S3 error (a proxy's page) gives empty fields.
S3ErrorBody ParseS3Error(std::string_view body);

}  // namespace etcdrestore
