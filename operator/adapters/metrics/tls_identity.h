#pragma once

#include <memory>
#include <string>

#include "operator/base/clock.h"
#include "operator/base/result.h"
#include "operator/base/secret.h"

struct ssl_ctx_st;  // NOLINT(readability-identifier-naming): OpenSSL's SSL_CTX

namespace etcdrestore {

/// A certificate with its chain, the server's own first, and its private key; PEM.
struct CertificatePair {
  std::string certificate;
  Secret key;
};

/// What a TLS server shows its clients, and how it speaks with them: TLS 1.2 or newer, http/1.1, no
/// resumption. Immutable; any thread.
class TlsIdentity {
 public:
  /// Error BadCertificate (terminal): no certificate, no key without a passphrase, or two that do
  /// not belong together.
  static Result<std::shared_ptr<const TlsIdentity>> FromPem(const CertificatePair& pair);
  /// Error BadCertificate when clients refuse it for its time.
  [[nodiscard]] Status ValidAt(SystemTime now) const;
  /// For connections; lives as long as this.
  [[nodiscard]] ssl_ctx_st* context() const { return context_.get(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  using Context = std::unique_ptr<ssl_ctx_st, Free>;
  TlsIdentity(Context context, SystemTime from, SystemTime until)
      : context_(std::move(context)), from_(from), until_(until) {}

  const Context context_;
  const SystemTime from_;
  const SystemTime until_;
};

/// A pair of its own making, for localhost and `host`, good for a year from an hour before `now`.
/// Nobody can verify it: it hides what is said, from those who only listen.
Result<CertificatePair> MakeSelfSigned(const std::string& host, SystemTime now);

}  // namespace etcdrestore
