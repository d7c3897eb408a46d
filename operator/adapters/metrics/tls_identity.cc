#include "operator/adapters/metrics/tls_identity.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <ctime>
#include <string_view>
#include <utility>

namespace etcdrestore {
namespace {

struct FreeAny {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Owned = std::unique_ptr<T, FreeAny>;

Error Bad(const std::string& what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return Terminal("BadCertificate", what + (reason != nullptr ? std::string(": ") + reason : ""));
}

Owned<BIO> Reader(const std::string& text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Owned<X509> NextCertificate(BIO* reader) {
  return Owned<X509>(PEM_read_bio_X509(reader, nullptr, nullptr, nullptr));
}

/// Without it OpenSSL asks for a passphrase at the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

SystemTime TimeOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&parts)));
}

/// `wire`: each name with its length before it, as the client offers them.
int ChooseHttp1(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* wire,
                unsigned int wire_size, void*) {
  constexpr std::string_view kHttp1 = "\x08http/1.1";
  unsigned char* found = nullptr;
  // A literal: what is found may point into it and outlives the call.
  const auto* ours = reinterpret_cast<const unsigned char*>(kHttp1.data());
  if (SSL_select_next_proto(&found, size, ours, kHttp1.size(), wire, wire_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

bool SetUp(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(context, &ChooseHttp1, nullptr);
  return SSL_CTX_set_num_tickets(context, 0) == 1 &&
         SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1;
}

}  // namespace

void TlsIdentity::Free::operator()(SSL_CTX* context) const { SSL_CTX_free(context); }

Result<std::shared_ptr<const TlsIdentity>> TlsIdentity::FromPem(const CertificatePair& pair) {
  ERR_clear_error();
  const Owned<BIO> certificates = Reader(pair.certificate);
  const Owned<X509> own = NextCertificate(certificates.get());
  if (!own) return Bad("no certificate in PEM");
  const Owned<BIO> keys = Reader(pair.key.Reveal());
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(keys.get(), nullptr, &NoPassphrase, nullptr));
  if (!key) return Bad("no private key in PEM that needs no passphrase");
  Context context(SSL_CTX_new(TLS_server_method()));
  if (!context || !SetUp(context.get())) return Bad("OpenSSL cannot be set up");
  if (SSL_CTX_use_certificate(context.get(), own.get()) != 1) return Bad("the certificate");
  if (SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1)
    return Bad("the private key is not that of the certificate");
  while (const Owned<X509> issuer = NextCertificate(certificates.get())) {
    if (SSL_CTX_add1_chain_cert(context.get(), issuer.get()) != 1) return Bad("the chain");
  }
  // The last one was the end of the text.
  ERR_clear_error();
  return std::shared_ptr<const TlsIdentity>(new TlsIdentity(std::move(context),
                                                            TimeOf(X509_get0_notBefore(own.get())),
                                                            TimeOf(X509_get0_notAfter(own.get()))));
}

Status TlsIdentity::ValidAt(SystemTime now) const {
  if (now > until_)
    return Terminal("BadCertificate", "the certificate expired at " + FormatTime(until_));
  if (now < from_)
    return Terminal("BadCertificate",
                    "the certificate is good from " + FormatTime(from_) + " on: check the clock");
  return {};
}

}  // namespace etcdrestore
