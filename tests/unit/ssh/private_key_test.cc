#include "operator/adapters/ssh/private_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

#include "operator/adapters/ssh/wire.h"

namespace etcdrestore::ssh {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Key Make(const std::string& kind) {
  EVP_PKEY* key = nullptr;
  if (kind == "rsa") key = EVP_RSA_gen(2048);
  if (kind == "ed25519") key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  if (kind == "x25519") key = EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519");
  if (kind.starts_with("P-") || kind == "secp256k1") key = EVP_EC_gen(kind.c_str());
  return {key, &EVP_PKEY_free};
}

std::string Pem(const Key& key, const std::string& passphrase) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  const auto* pass = reinterpret_cast<const unsigned char*>(passphrase.data());
  PEM_write_bio_PKCS8PrivateKey(
      bio.get(), key.get(), passphrase.empty() ? nullptr : EVP_aes_128_cbc(),
      reinterpret_cast<const char*>(pass), static_cast<int>(passphrase.size()), nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

/// An OpenSSH container whose secret part is noise: nothing here looks at it.
std::string Openssh(const std::string& cipher, const std::string& public_blob) {
  std::string bytes("openssh-key-v1\0", 15);
  PutString(bytes, cipher);
  PutString(bytes, cipher == "none" ? "none" : "bcrypt");
  PutString(bytes, "");
  bytes += std::string("\0\0\0\1", 4);
  PutString(bytes, public_blob);
  PutString(bytes, "noise");
  return "-----BEGIN OPENSSH PRIVATE KEY-----\n" + EncodeBase64(bytes) +
         "\n-----END OPENSSH PRIVATE KEY-----\n";
}

std::string Blob(const std::string& type) {
  std::string blob;
  PutString(blob, type);
  PutString(blob, "body");
  return blob;
}

std::string ErrorOf(const std::string& text, const std::string& passphrase = "") {
  auto label = DescribePrivateKey(Secret(text), Secret(passphrase));
  if (label) return "none";
  EXPECT_EQ(label.error().kind, ErrorKind::kTerminal);
  return label.error().reason + ": " + label.error().message;
}

TEST(PrivateKey, NamesTheTypeOfEveryPemKey) {
  const std::vector<std::pair<std::string, std::string>> cases = {{"rsa", "ssh-rsa"},
                                                                  {"ed25519", "ssh-ed25519"},
                                                                  {"P-256", "ecdsa-sha2-nistp256"},
                                                                  {"P-384", "ecdsa-sha2-nistp384"},
                                                                  {"P-521", "ecdsa-sha2-nistp521"}};
  for (const auto& [kind, type] : cases) {
    SCOPED_TRACE(kind);
    const Key key = Make(kind);
    auto plain = DescribePrivateKey(Secret(Pem(key, "")), Secret());
    ASSERT_TRUE(plain) << plain.error().message;
    EXPECT_EQ(plain->type, type);
    EXPECT_FALSE(plain->encrypted);
    auto encrypted = DescribePrivateKey(Secret(Pem(key, "pass")), Secret("pass"));
    ASSERT_TRUE(encrypted) << encrypted.error().message;
    EXPECT_TRUE(encrypted->encrypted);
    EXPECT_EQ(encrypted->fingerprint, plain->fingerprint);
    EXPECT_THAT(ErrorOf(Pem(key, "pass"), "wrong"), HasSubstr("passphrase does not open"));
    EXPECT_THAT(ErrorOf(Pem(key, "pass")), HasSubstr("no passphrase was given"));
  }
}

TEST(PrivateKey, ReadsThePublicHalfOfOpensshFormatWithoutThePassphrase) {
  const std::string blob = Blob("ssh-ed25519");
  auto plain = DescribePrivateKey(Secret(Openssh("none", blob)), Secret());
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plain->type, "ssh-ed25519");
  EXPECT_EQ(plain->fingerprint, Fingerprint(blob));
  auto encrypted = DescribePrivateKey(Secret(Openssh("aes256-ctr", blob)), Secret("any"));
  ASSERT_TRUE(encrypted) << encrypted.error().message;
  EXPECT_TRUE(encrypted->encrypted);
  EXPECT_THAT(ErrorOf(Openssh("aes256-ctr", blob)), HasSubstr("no passphrase was given"));
}

TEST(PrivateKey, ForgivesWhatYamlAndEditorsDoToLines) {
  const std::string text = Openssh("none", Blob("ssh-rsa"));
  std::string windows;
  for (const char c : text) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  for (const std::string& one : {text, windows, "\n\n  " + text, text.substr(0, text.size() - 1)}) {
    EXPECT_EQ(ErrorOf(one), "none");
    EXPECT_EQ(NormalizedKeyText(Secret(one)).Reveal(), text);
  }
}

TEST(PrivateKey, SaysWhatIsWrongWithoutShowingIt) {
  const std::string whole = Openssh("none", Blob("ssh-ed25519"));
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "not a private key"},
      {"canary", "not a private key"},
      {"/root/.ssh/id_rsa canary", "not a private key"},
      {"ssh-ed25519 AAAA canary", "this is a public key"},
      {"-----BEGIN PUBLIC KEY-----\ncanary\n-----END PUBLIC KEY-----\n", "this is a public key"},
      {"PuTTY-User-Key-File-3: canary", "puttygen"},
      {"-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----\n", "damaged"},
      {whole.substr(0, 80), "cut off"},
      {"-----BEGIN OPENSSH PRIVATE KEY-----\ncanary!\n-----END OPENSSH PRIVATE KEY-----\n",
       "damaged"},
      {Openssh("none", "canary"), "damaged"},
      {Openssh("none", Blob("sk-ssh-ed25519@openssh.com")), "is not supported"},
      {Openssh("none", Blob("ssh-dss")), "is not supported"},
      {Pem(Make("x25519"), ""), "is not supported"},
      {Pem(Make("secp256k1"), ""), "is not supported"},
  };
  for (const auto& [text, says] : cases) {
    SCOPED_TRACE(says);
    EXPECT_THAT(ErrorOf(text, "canary"),
                AllOf(StartsWith("KeyUnreadable: "), HasSubstr(says), Not(HasSubstr("canary"))));
  }
}

TEST(PrivateKey, NoCutOffContainerIsReadBeyondItsEnd) {
  const std::string whole = Openssh("none", Blob("ssh-ed25519"));
  const std::size_t start = whole.find('\n') + 1;
  const std::size_t end = whole.find("\n-----END");
  for (std::size_t size = 0; size + 4 < end - start; size += 4) {
    const std::string cut = whole.substr(0, start + size) + whole.substr(end);
    // Only the secret part may be missing without notice: it is not looked at.
    EXPECT_THAT(ErrorOf(cut), ::testing::AnyOf("none", HasSubstr("damaged"))) << size;
  }
}

}  // namespace
}  // namespace etcdrestore::ssh
