#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace etcdrestore {

/// The parts of an http(s) URL that we work with. `path` and `query` stay as written (encoded).
struct Url {
  std::string scheme;  ///< "http" or "https", lower case
  std::string host;    ///< lower case, without user; IPv6 in brackets
  int port = 0;        ///< 0: the scheme's own
  std::string path;    ///< "" or starts with '/'
  std::string query;   ///< without '?'

  /// What goes into the Host header: the port only where it is not the scheme's own.
  [[nodiscard]] std::string Authority() const;
  /// scheme://authority
  [[nodiscard]] std::string Origin() const { return scheme + "://" + Authority(); }
};

/// Error BadRequest for anything but http:// and https:// with a host; user names and passwords in
/// a URL are refused, because URLs are shown.
Result<Url> ParseUrl(std::string_view text);

/// For messages: user and query removed, because presigned URLs carry their signature there:
/// "https://host/path?…". Never fails; text that is no URL is hidden behind its first '?' or '@'.
std::string RedactUrl(std::string_view text);

/// RFC 3986 as AWS wants it: everything but A-Z a-z 0-9 - . _ ~ becomes %XX in upper case, '/'
/// stays when `keep_slash`.
std::string UriEncode(std::string_view bytes, bool keep_slash);

/// Undoes percent encoding and, as S3's encoding-type=url needs, '+' for a space; nullopt for a
/// broken escape.
std::optional<std::string> UriDecode(std::string_view text);

}  // namespace etcdrestore
