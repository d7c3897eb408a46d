#include "tests/support/test_certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdlib>

namespace etcdrestore::testing {
namespace {

using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using CertPtr = std::unique_ptr<X509, decltype(&X509_free)>;
using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;

void Check(bool fine) {
  if (!fine) std::abort();
}

KeyPtr MakeKey() { return {EVP_EC_gen("P-256"), &EVP_PKEY_free}; }

std::string TextOf(const BioPtr& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}
std::string Pem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()), &BIO_free);
  Check(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return TextOf(bio);
}
std::string Pem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()), &BIO_free);
  Check(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return TextOf(bio);
}

void Extend(X509* certificate, int what, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str());
  Check(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

CertPtr MakeCertificate(const std::string& name, EVP_PKEY* key, long serial, long from,
                        long until) {
  CertPtr certificate(X509_new(), &X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), until);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

}  // namespace

struct TestCa::State {
  KeyPtr key = MakeKey();
  CertPtr certificate{nullptr, &X509_free};
};

TestCa::TestCa() : state_(std::make_unique<State>()) {
  state_->certificate = MakeCertificate("test ca", state_->key.get(), 1, -3600, 86400);
  X509* ca = state_->certificate.get();
  X509_set_issuer_name(ca, X509_get_subject_name(ca));
  Extend(ca, NID_basic_constraints, "critical,CA:TRUE");
  Check(X509_sign(ca, state_->key.get(), EVP_sha256()) > 0);
}
TestCa::~TestCa() = default;

std::string TestCa::pem() const { return Pem(state_->certificate.get()); }

CertificateAndKey TestCa::Issue(const std::string& names, long from, long until) const {
  const KeyPtr key = MakeKey();
  const CertPtr leaf = MakeCertificate("test leaf", key.get(), 2, from, until);
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(state_->certificate.get()));
  Extend(leaf.get(), NID_subject_alt_name, names);
  Check(X509_sign(leaf.get(), state_->key.get(), EVP_sha256()) > 0);
  return {Pem(leaf.get()), Pem(key.get())};
}

CertificateAndKey TestCa::IssueClient(const std::string& user, const std::string& group) const {
  const KeyPtr key = MakeKey();
  const CertPtr leaf = MakeCertificate(user, key.get(), 3, -3600, 86400);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(leaf.get()), "O", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(group.c_str()), -1, -1, 0);
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(state_->certificate.get()));
  Extend(leaf.get(), NID_ext_key_usage, "clientAuth");
  Check(X509_sign(leaf.get(), state_->key.get(), EVP_sha256()) > 0);
  return {Pem(leaf.get()), Pem(key.get())};
}

}  // namespace etcdrestore::testing
