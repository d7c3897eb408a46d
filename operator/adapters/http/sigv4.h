#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "operator/adapters/http/http_client.h"
#include "operator/base/clock.h"
#include "operator/base/result.h"
#include "operator/base/secret.h"

namespace etcdrestore {

/// AWS Signature Version 4, pure. Source: the "Signature Version 4" pages of the S3 API reference
/// and AWS's published test suite; both are golden tests here. We sign ourselves because libcurl
/// 7.88 signs keys with ':', '=' or '(' wrongly, and RKE names snapshots after RFC 3339 times.

struct AwsCredentials {
  std::string access_key;
  Secret secret_key;
  Secret session_token;  ///< empty: none
};

struct SigningScope {
  std::string region;
  std::string service = "s3";
  SystemTime time{};
};

/// A request as it will be sent, nothing encoded yet. `path` starts with '/'. Query parameters may
/// come in any order; those without a value have "".
struct SignableRequest {
  std::string method = "GET";
  std::string host;  ///< as in the Host header
  std::string path = "/";
  HttpHeaders query;
  HttpHeaders headers;       ///< to be signed besides host and the x-amz ones
  std::string payload_hash;  ///< HexSha256 of the body, or kUnsignedPayload
};

inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
/// HexSha256(""), the payload hash of every request without a body.
inline constexpr std::string_view kEmptyPayload =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Encoded and sorted, as both the signature and the URL use it: "a=1&b=".
std::string CanonicalQuery(const HttpHeaders& query);
std::string CanonicalRequest(const SignableRequest& request);

/// The headers to send with the request: its own, x-amz-date, for S3 x-amz-content-sha256, with a
/// token x-amz-security-token, and Authorization. Not Host, which the client writes itself.
HttpHeaders SignHeaders(const AwsCredentials& credentials, const SigningScope& scope,
                        const SignableRequest& request);

/// The whole query of a presigned URL, encoded. Only Host is signed. Error BadRequest unless
/// validity is 1 s to 7 days, AWS's limit.
Result<Secret> PresignQuery(const AwsCredentials& credentials, const SigningScope& scope,
                            SignableRequest request, std::chrono::seconds validity);

}  // namespace etcdrestore
