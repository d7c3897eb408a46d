#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdint>

#include "operator/adapters/metrics/tls_identity.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

bool Extend(X509* certificate, int what, const std::string& value) {
  const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// A name that cannot be a DNS name would be read as more than one.
bool IsHostName(const std::string& host) {
  return !host.empty() && host.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
                              "UVWXYZ0123456789-._") == std::string::npos;
}

bool Fill(X509* certificate, EVP_PKEY* key, const std::string& host, SystemTime now) {
  std::uint64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return false;
  const std::time_t from = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(now - 1h));
  const std::time_t until = from + std::chrono::seconds(std::chrono::days(365)).count();
  X509_NAME* name = X509_get_subject_name(certificate);
  const std::string other = IsHostName(host) ? ",DNS:" + host : "";
  return X509_set_version(certificate, 2) == 1 &&
         ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1U) == 1 &&
         ASN1_TIME_set(X509_getm_notBefore(certificate), from) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), until) != nullptr &&
         X509_set_pubkey(certificate, key) == 1 &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>("etcdrestore"), -1, -1,
                                    0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1 &&
         Extend(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         Extend(certificate, NID_key_usage, "critical,digitalSignature") &&
         Extend(certificate, NID_ext_key_usage, "serverAuth") &&
         Extend(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1" + other) &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

Result<CertificatePair> MakeSelfSigned(const std::string& host, SystemTime now) {
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  const Owned<X509> certificate(X509_new());
  const Owned<BIO> certificate_text(BIO_new(BIO_s_mem()));
  const Owned<BIO> key_text(BIO_new(BIO_s_secmem()));
  if (!key || !certificate || !certificate_text || !key_text ||
      !Fill(certificate.get(), key.get(), host, now) ||
      PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return Terminal("BadCertificate", std::string("make a self-signed certificate: ") +
                                          (reason != nullptr ? reason : "OpenSSL gives no reason"));
  }
  return CertificatePair{TextOf(certificate_text.get()), Secret(TextOf(key_text.get()))};
}

}  // namespace etcdrestore
