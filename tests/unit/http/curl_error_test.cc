#include "operator/adapters/http/curl_error.h"

#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509.h>

#include <cerrno>

namespace etcdrestore {
namespace {
using ::testing::HasSubstr;

CurlFailure Failure(int code, const std::string& detail = "detail") {
  CurlFailure failure;
  failure.code = code;
  failure.detail = detail;
  failure.url = "https://h/p?…";
  failure.connect_limit = "10.0 s";
  failure.idle_limit = "30.0 s";
  return failure;
}

TEST(ClassifyCurl, NamesEachFailureAndWhetherItMayPass) {
  const struct {
    CurlFailure failure;
    ErrorKind kind;
    const char* reason;
    const char* words;
  } cases[] = {
      {Failure(CURLE_COULDNT_RESOLVE_HOST), ErrorKind::kTransient, "Unavailable", "DNS"},
      {Failure(CURLE_COULDNT_CONNECT), ErrorKind::kTransient, "Unavailable", "detail"},
      {Failure(CURLE_OPERATION_TIMEDOUT), ErrorKind::kTransient, "Timeout",
       "no connection within 10.0 s"},
      {Failure(CURLE_SSL_CACERT_BADFILE), ErrorKind::kTerminal, "BadCertificate", "`ca`"},
      {Failure(CURLE_SSL_CERTPROBLEM), ErrorKind::kTerminal, "BadCertificate",
       "client certificate"},
      {Failure(CURLE_SSL_CONNECT_ERROR, "wrong version number"), ErrorKind::kTerminal, "BadRequest",
       "http://"},
      {Failure(CURLE_SSL_CONNECT_ERROR, "sslv3 alert bad certificate"), ErrorKind::kTerminal,
       "BadCertificate", "refused the TLS"},
      {Failure(CURLE_SSL_CONNECT_ERROR, "unexpected eof"), ErrorKind::kTransient, "ConnectionLost",
       "unexpected eof"},
      {Failure(CURLE_SSL_CONNECT_ERROR, "rsa routines::bad signature"), ErrorKind::kTerminal,
       "BadCertificate", "not trusted"},
      {Failure(CURLE_PARTIAL_FILE), ErrorKind::kTransient, "ConnectionLost", "detail"},
      {Failure(CURLE_RECV_ERROR), ErrorKind::kTransient, "ConnectionLost", "detail"},
      {Failure(CURLE_GOT_NOTHING), ErrorKind::kTransient, "ConnectionLost", "detail"},
      {Failure(CURLE_TOO_MANY_REDIRECTS), ErrorKind::kTerminal, "BadRequest", "redirects"},
      {Failure(CURLE_UNSUPPORTED_PROTOCOL), ErrorKind::kTerminal, "BadRequest", "URL"},
  };
  for (const auto& [failure, kind, reason, words] : cases) {
    SCOPED_TRACE(std::to_string(failure.code) + " " + failure.detail);
    const Error error = ClassifyCurl(failure);
    EXPECT_EQ(error.kind, kind);
    EXPECT_EQ(error.reason, reason);
    EXPECT_THAT(error.message, HasSubstr(words));
    EXPECT_THAT(error.message, HasSubstr("https://h/p?…"));
  }
}

TEST(ClassifyCurl, TellsASilentServerFromAnUnreachableOne) {
  CurlFailure silent = Failure(CURLE_OPERATION_TIMEDOUT);
  silent.connected = true;
  EXPECT_THAT(ClassifyCurl(silent).message, HasSubstr("no data for 30.0 s"));
  CurlFailure refused = Failure(CURLE_COULDNT_CONNECT);
  refused.os_errno = EHOSTUNREACH;
  EXPECT_THAT(ClassifyCurl(refused).message, HasSubstr("No route to host"));
}

TEST(ClassifyCurl, SaysWhatIsWrongWithTheCertificate) {
  CurlFailure failure = Failure(CURLE_PEER_FAILED_VERIFICATION, "no alternative name matches");
  EXPECT_THAT(ClassifyCurl(failure).message, HasSubstr("for another name"));
  failure.verify_result = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
  EXPECT_THAT(ClassifyCurl(failure).message, HasSubstr("give the certificate of its issuer"));
  failure.given_ca = true;
  EXPECT_THAT(ClassifyCurl(failure).message, HasSubstr("did not sign it"));
  failure.verify_result = X509_V_ERR_CERT_HAS_EXPIRED;
  EXPECT_THAT(ClassifyCurl(failure).message, HasSubstr("renew it"));
}

}  // namespace
}  // namespace etcdrestore
