#pragma once

#include <string>

#include "operator/base/result.h"

namespace etcdrestore {

/// What libcurl reported about a failed transfer, in plain values. Codes are CURLcode numbers.
struct CurlFailure {
  int code = 0;
  std::string detail;         ///< libcurl's own words
  std::string url;            ///< redacted
  long os_errno = 0;          ///< of connect(2)
  long verify_result = 0;     ///< OpenSSL's X509_V_ERR_…; 0 where the chain was fine
  bool connected = false;     ///< a connection (with TLS) stood
  bool given_ca = false;      ///< a CA was configured
  std::string connect_limit;  ///< for people: "10.0 s"
  std::string idle_limit;
};

/// Turns a libcurl failure into an Error of the object store's and Kubernetes' vocabulary. Pure.
Error ClassifyCurl(const CurlFailure& failure);

}  // namespace etcdrestore
