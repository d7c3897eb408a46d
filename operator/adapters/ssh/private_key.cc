#include "operator/adapters/ssh/private_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "operator/adapters/ssh/wire.h"

namespace etcdrestore::ssh {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIGNUM* number) const { BN_free(number); }
};

constexpr std::string_view kOpensshBegin = "-----BEGIN OPENSSH PRIVATE KEY-----";
constexpr std::string_view kOpensshEnd = "-----END OPENSSH PRIVATE KEY-----";

Error Unreadable(const std::string& why) { return Terminal("KeyUnreadable", why); }

Result<PrivateKeyLabel> FromBlob(std::string_view blob, bool encrypted) {
  std::string_view rest = blob;
  const auto type = TakeString(rest);
  if (!type) return Unreadable("the private key's OpenSSH container is damaged");
  const bool supported =
      *type == "ssh-ed25519" || *type == "ssh-rsa" || type->starts_with("ecdsa-sha2-nistp");
  if (!supported) {
    return Unreadable("a key of type " + Printable(*type, 60) +
                      " is not supported; use ed25519, ECDSA or RSA");
  }
  return PrivateKeyLabel{std::string(*type), Fingerprint(blob), encrypted};
}

// PROTOCOL.key of OpenSSH: magic, cipher, kdf, kdf options, number of keys, public key, the rest.
Result<PrivateKeyLabel> DescribeOpenssh(std::string_view armour, bool has_passphrase) {
  const std::size_t end = armour.find(kOpensshEnd);
  if (end == std::string_view::npos)
    return Unreadable("the private key is cut off: its END line is missing");
  std::string base64;
  std::copy_if(armour.begin() + kOpensshBegin.size(), armour.begin() + end,
               std::back_inserter(base64), [](char c) { return c != '\n' && c != ' '; });
  const Secret wiped(std::move(base64));
  auto decoded = DecodeBase64(wiped.Reveal());
  constexpr std::string_view kMagic("openssh-key-v1\0", 15);
  if (!decoded || !decoded->starts_with(kMagic))
    return Unreadable("the private key's OpenSSH container is damaged");
  const Secret bytes(*std::move(decoded));
  std::string_view rest = bytes.Reveal();
  rest.remove_prefix(kMagic.size());
  const auto cipher = TakeString(rest);
  const auto kdf = TakeString(rest);
  const auto kdf_options = TakeString(rest);
  const auto count = TakeU32(rest);
  const auto blob = TakeString(rest);
  if (!cipher || !kdf || !kdf_options || count != 1U || !blob)
    return Unreadable("the private key's OpenSSH container is damaged");
  const bool encrypted = *cipher != "none";
  if (encrypted && !has_passphrase)
    return Unreadable("the private key is encrypted and no passphrase was given");
  return FromBlob(*blob, encrypted);
}

std::string Number(EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return {};
  const std::unique_ptr<BIGNUM, Free> number(raw);
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(raw)), '\0');
  BN_bn2bin(raw, reinterpret_cast<unsigned char*>(bytes.data()));
  return bytes;
}

std::string RsaBlob(EVP_PKEY* key) {
  std::string blob;
  PutString(blob, "ssh-rsa");
  PutMpint(blob, Number(key, OSSL_PKEY_PARAM_RSA_E));
  PutMpint(blob, Number(key, OSSL_PKEY_PARAM_RSA_N));
  return blob;
}

std::optional<std::string> EcBlob(EVP_PKEY* key) {
  std::array<char, 80> group{};
  std::size_t group_size = 0;
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(),
                                     &group_size) != 1) {
    return std::nullopt;
  }
  const std::string_view name(group.data(), group_size);
  const std::string curve = name == "prime256v1"  ? "nistp256"
                            : name == "secp384r1" ? "nistp384"
                            : name == "secp521r1" ? "nistp521"
                                                  : "";
  if (curve.empty()) return std::nullopt;
  std::array<unsigned char, 200> point{};
  std::size_t point_size = 0;
  EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed");
  if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(),
                                      &point_size) != 1) {
    return std::nullopt;
  }
  std::string blob;
  PutString(blob, "ecdsa-sha2-" + curve);
  PutString(blob, curve);
  PutString(blob, std::string_view(reinterpret_cast<const char*>(point.data()), point_size));
  return blob;
}

std::optional<std::string> Ed25519Blob(EVP_PKEY* key) {
  std::array<unsigned char, 32> bytes{};
  std::size_t size = bytes.size();
  if (EVP_PKEY_get_raw_public_key(key, bytes.data(), &size) != 1) return std::nullopt;
  std::string blob;
  PutString(blob, "ssh-ed25519");
  PutString(blob, std::string_view(reinterpret_cast<const char*>(bytes.data()), size));
  return blob;
}

// Without a callback OpenSSL would ask on the terminal.
int GivePassphrase(char* into, int size, int /*writing*/, void* passphrase) {
  const auto& text = static_cast<const Secret*>(passphrase)->Reveal();
  if (text.size() > static_cast<std::size_t>(size)) return -1;
  std::copy(text.begin(), text.end(), into);
  return static_cast<int>(text.size());
}

Result<PrivateKeyLabel> DescribePem(const std::string& text, const Secret& passphrase) {
  const bool encrypted = text.find("ENCRYPTED") != std::string::npos;
  if (encrypted && passphrase.empty())
    return Unreadable("the private key is encrypted and no passphrase was given");
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Secret given = passphrase;
  const std::unique_ptr<EVP_PKEY, Free> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, &GivePassphrase, &given));
  ERR_clear_error();
  if (!key) {
    return Unreadable(encrypted ? "the passphrase does not open the private key"
                                : "the private key is damaged or of an unknown format");
  }
  std::optional<std::string> blob;
  if (EVP_PKEY_is_a(key.get(), "RSA") == 1) blob = RsaBlob(key.get());
  if (EVP_PKEY_is_a(key.get(), "EC") == 1) blob = EcBlob(key.get());
  if (EVP_PKEY_is_a(key.get(), "ED25519") == 1) blob = Ed25519Blob(key.get());
  ERR_clear_error();
  if (!blob) {
    return Unreadable(
        "a private key of this kind is not supported; use ed25519, ECDSA (P-256, "
        "P-384, P-521) or RSA");
  }
  return FromBlob(*blob, encrypted);
}

}  // namespace

Secret NormalizedKeyText(const Secret& text) {
  const std::string& raw = text.Reveal();
  std::string clean;
  clean.reserve(raw.size() + 1);
  // Leading blank lines hide the BEGIN line from parsers.
  const std::size_t start = std::min(raw.find_first_not_of(" \t\r\n"), raw.size());
  std::copy_if(raw.begin() + static_cast<std::ptrdiff_t>(start), raw.end(),
               std::back_inserter(clean), [](char c) { return c != '\r'; });
  if (!clean.empty() && clean.back() != '\n') clean += '\n';
  return Secret(std::move(clean));
}

Result<PrivateKeyLabel> DescribePrivateKey(const Secret& text, const Secret& passphrase) {
  const Secret normal = NormalizedKeyText(text);
  const std::string& key = normal.Reveal();
  if (key.starts_with(kOpensshBegin)) return DescribeOpenssh(key, !passphrase.empty());
  if (key.starts_with("ssh-") || key.starts_with("ecdsa-sha2-") ||
      key.find("-----BEGIN PUBLIC KEY") != std::string::npos ||
      key.find("BEGIN SSH2 PUBLIC KEY") != std::string::npos) {
    return Unreadable("this is a public key; the private one is needed");
  }
  if (key.starts_with("PuTTY-User-Key-File"))
    return Unreadable("this is a PuTTY key; convert it with: puttygen KEY -O private-openssh");
  if (key.find("PRIVATE KEY-----") == std::string::npos) {
    return Unreadable(
        "this is not a private key: no \"-----BEGIN … PRIVATE KEY-----\" line is in "
        "it");
  }
  return DescribePem(key, passphrase);
}

}  // namespace etcdrestore::ssh
