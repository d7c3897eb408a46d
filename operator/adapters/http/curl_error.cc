#include "operator/adapters/http/curl_error.h"

#include <curl/curl.h>
#include <openssl/x509.h>

#include <cstring>

namespace etcdrestore {
namespace {

Error Certificate(const CurlFailure& failure, const std::string& tried) {
  // libcurl checks the name before it notes the chain's result, which then still has its start
  // value.
  if (failure.verify_result == X509_V_OK || failure.verify_result == X509_V_ERR_UNSPECIFIED) {
    return Terminal("BadCertificate", tried + "the server's certificate is for another name (" +
                                          failure.detail +
                                          "); use the name it was made for in the URL");
  }
  const std::string why = X509_verify_cert_error_string(failure.verify_result);
  if (failure.verify_result == X509_V_ERR_CERT_HAS_EXPIRED ||
      failure.verify_result == X509_V_ERR_CERT_NOT_YET_VALID) {
    return Terminal("BadCertificate", tried + "TLS certificate: " + why +
                                          "; renew it, and check the clock of this machine");
  }
  return Terminal("BadCertificate",
                  tried + "TLS certificate not trusted (" + why + "); " +
                      (failure.given_ca ? "the certificate given as `ca` did not sign it"
                                        : "give the certificate of its issuer as `ca`"));
}

/// A CA with the right name and another key fails inside the signature check; libcurl reports that
/// as a handshake error with the words of OpenSSL's crypto routines.
bool SignatureWrong(const std::string& detail) {
  for (const char* words : {"asn1 encoding routines", "rsa routines", "ecdsa", "signature"}) {
    if (detail.find(words) != std::string::npos) return true;
  }
  return false;
}

Error TlsHandshake(const CurlFailure& failure, const std::string& tried) {
  if (failure.detail.find("wrong version number") != std::string::npos) {
    return Terminal("BadRequest",
                    tried + "the server does not speak TLS on this port; is it http://?");
  }
  if (SignatureWrong(failure.detail)) {
    CurlFailure untrusted = failure;
    untrusted.verify_result = X509_V_ERR_CERT_SIGNATURE_FAILURE;
    return Certificate(untrusted, tried);
  }
  if (failure.detail.find("alert") != std::string::npos) {
    return Terminal("BadCertificate", tried + "the server refused the TLS handshake (" +
                                          failure.detail +
                                          "); does it ask for a client "
                                          "certificate or another TLS version?");
  }
  return Transient("ConnectionLost", tried + "TLS handshake broke off (" + failure.detail + ")");
}

}  // namespace

Error ClassifyCurl(const CurlFailure& failure) {
  const std::string tried = failure.url + ": ";
  switch (failure.code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return Transient("Unavailable",
                       tried + "name not found in DNS (" + failure.detail + "); check the name");
    case CURLE_COULDNT_CONNECT:
      return Transient("Unavailable", tried + "cannot connect: " +
                                          (failure.os_errno != 0
                                               ? std::strerror(static_cast<int>(failure.os_errno))
                                               : failure.detail.c_str()));
    case CURLE_OPERATION_TIMEDOUT:
      return Transient("Timeout", failure.connected
                                      ? tried + "no data for " + failure.idle_limit
                                      : tried + "no connection within " + failure.connect_limit);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return Certificate(failure, tried);
    case CURLE_SSL_CACERT_BADFILE:
      return Terminal("BadCertificate", tried + "the `ca` text holds no readable certificate");
    case CURLE_SSL_CERTPROBLEM:
      return Terminal("BadCertificate", tried + "the client certificate or its key cannot be used");
    case CURLE_SSL_CONNECT_ERROR:
      return TlsHandshake(failure, tried);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Terminal("BadRequest", tried + "not a usable http(s) URL");
    case CURLE_TOO_MANY_REDIRECTS:
      return Terminal("BadRequest", tried + "too many redirects");
    case CURLE_WEIRD_SERVER_REPLY:
      return Terminal("BadRequest", tried + "the server does not speak HTTP");
    default:
      return Transient("ConnectionLost", tried + "connection lost (" + failure.detail + ")");
  }
}

}  // namespace etcdrestore
