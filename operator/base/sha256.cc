#include "operator/base/sha256.h"

#include <openssl/evp.h>

#include <cstdlib>

namespace etcdrestore {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) != 1) std::abort();
}
Sha256::~Sha256() { EVP_MD_CTX_free(state_->context); }

void Sha256::Update(std::string_view bytes) {
  if (EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) != 1) std::abort();
}

Sha256Bytes Sha256::Current() const {
  Sha256 copy;
  if (EVP_MD_CTX_copy_ex(copy.state_->context, state_->context) != 1) std::abort();
  return copy.Finish();
}

Sha256Bytes Sha256::Finish() {
  Sha256Bytes out{};
  unsigned length = 0;
  if (EVP_DigestFinal_ex(state_->context, out.data(), &length) != 1 || length != out.size())
    std::abort();
  return out;
}

Sha256Bytes Sha256Of(std::string_view bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.Finish();
}

std::array<std::uint8_t, 20> Sha1Of(std::string_view bytes) {
  std::array<std::uint8_t, 20> out{};
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), out.data(), &length, EVP_sha1(), nullptr) != 1)
    std::abort();
  return out;
}

std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

std::string HexSha256(std::string_view bytes) { return Hex(Sha256Of(bytes)); }

}  // namespace etcdrestore
