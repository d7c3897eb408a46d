#include "operator/adapters/http/sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "operator/adapters/http/url.h"
#include "operator/base/sha256.h"

namespace etcdrestore {
namespace {

std::string Hmac(std::string_view key, std::string_view message) {
  std::array<unsigned char, 32> out{};
  unsigned length = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(message.data()), message.size(), out.data(),
           &length) == nullptr ||
      length != out.size()) {
    std::abort();
  }
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

/// 2013-05-24T00:00:00Z -> 20130524T000000Z
std::string BasicTime(SystemTime time) {
  std::string text = FormatTime(time);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// Trims, and makes each run of spaces one.
std::string Tidy(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

/// Lower-case, sorted, host included; values of one name stay in their order, joined by commas.
HttpHeaders CanonicalHeaders(const SignableRequest& request) {
  HttpHeaders headers{{"host", request.host}};
  for (const auto& [name, value] : request.headers) headers.emplace_back(Lower(name), Tidy(value));
  std::stable_sort(headers.begin(), headers.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  HttpHeaders merged;
  for (auto& [name, value] : headers) {
    if (!merged.empty() && merged.back().first == name)
      merged.back().second += "," + value;
    else
      merged.emplace_back(std::move(name), std::move(value));
  }
  return merged;
}

std::string SignedNames(const HttpHeaders& canonical) {
  std::string names;
  for (const auto& [name, value] : canonical) names += (names.empty() ? "" : ";") + name;
  return names;
}

std::string ScopeText(const SigningScope& scope) {
  return BasicTime(scope.time).substr(0, 8) + "/" + scope.region + "/" + scope.service +
         "/aws4_request";
}

std::string Signature(const AwsCredentials& credentials, const SigningScope& scope,
                      const SignableRequest& request) {
  const std::string to_sign = "AWS4-HMAC-SHA256\n" + BasicTime(scope.time) + "\n" +
                              ScopeText(scope) + "\n" + HexSha256(CanonicalRequest(request));
  const Secret first("AWS4" + credentials.secret_key.Reveal());
  const Secret day(Hmac(first.Reveal(), BasicTime(scope.time).substr(0, 8)));
  const Secret region(Hmac(day.Reveal(), scope.region));
  const Secret service(Hmac(region.Reveal(), scope.service));
  const Secret key(Hmac(service.Reveal(), "aws4_request"));
  return Hex(Hmac(key.Reveal(), to_sign));
}

}  // namespace

std::string CanonicalQuery(const HttpHeaders& query) {
  HttpHeaders encoded;
  for (const auto& [name, value] : query)
    encoded.emplace_back(UriEncode(name, false), UriEncode(value, false));
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
  return out;
}

std::string CanonicalRequest(const SignableRequest& request) {
  const HttpHeaders headers = CanonicalHeaders(request);
  std::string out = request.method + "\n" + UriEncode(request.path, true) + "\n" +
                    CanonicalQuery(request.query) + "\n";
  for (const auto& [name, value] : headers) {
    out += name;
    out += ':';
    out += value;
    out += '\n';
  }
  return out + "\n" + SignedNames(headers) + "\n" + request.payload_hash;
}

HttpHeaders SignHeaders(const AwsCredentials& credentials, const SigningScope& scope,
                        const SignableRequest& request) {
  SignableRequest full = request;
  full.headers.emplace_back("x-amz-date", BasicTime(scope.time));
  if (scope.service == "s3") full.headers.emplace_back("x-amz-content-sha256", full.payload_hash);
  if (!credentials.session_token.empty())
    full.headers.emplace_back("x-amz-security-token", credentials.session_token.Reveal());
  HttpHeaders out = full.headers;
  out.emplace_back("Authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key + "/" +
                                        ScopeText(scope) +
                                        ",SignedHeaders=" + SignedNames(CanonicalHeaders(full)) +
                                        ",Signature=" + Signature(credentials, scope, full));
  return out;
}

Result<Secret> PresignQuery(const AwsCredentials& credentials, const SigningScope& scope,
                            SignableRequest request, std::chrono::seconds validity) {
  if (validity < std::chrono::seconds(1) || validity > std::chrono::days(7)) {
    return Terminal("BadRequest", "a presigned URL can be valid for 1 s to 7 days, not " +
                                      std::to_string(validity.count()) + " s");
  }
  request.query.emplace_back("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
  request.query.emplace_back("X-Amz-Credential", credentials.access_key + "/" + ScopeText(scope));
  request.query.emplace_back("X-Amz-Date", BasicTime(scope.time));
  request.query.emplace_back("X-Amz-Expires", std::to_string(validity.count()));
  if (!credentials.session_token.empty())
    request.query.emplace_back("X-Amz-Security-Token", credentials.session_token.Reveal());
  request.query.emplace_back("X-Amz-SignedHeaders", SignedNames(CanonicalHeaders(request)));
  request.payload_hash = kUnsignedPayload;
  return Secret(CanonicalQuery(request.query) +
                "&X-Amz-Signature=" + Signature(credentials, scope, request));
}

}  // namespace etcdrestore
