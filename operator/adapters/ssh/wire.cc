#include "operator/adapters/ssh/wire.h"

#include <openssl/evp.h>

#include "operator/base/sha256.h"

namespace etcdrestore::ssh {

void PutString(std::string& out, std::string_view bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  for (const unsigned shift : {24U, 16U, 8U, 0U})
    out += static_cast<char>(static_cast<unsigned char>(size >> shift));
  out += bytes;
}

void PutMpint(std::string& out, std::string_view big_endian) {
  while (!big_endian.empty() && big_endian.front() == '\0') big_endian.remove_prefix(1);
  const bool needs_sign =
      !big_endian.empty() && (static_cast<unsigned char>(big_endian.front()) & 0x80U) != 0;
  PutString(out, (needs_sign ? std::string(1, '\0') : std::string()) + std::string(big_endian));
}

std::optional<std::uint32_t> TakeU32(std::string_view& in) {
  if (in.size() < 4) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8U | static_cast<unsigned char>(in[i]);
  in.remove_prefix(4);
  return value;
}

std::optional<std::string_view> TakeString(std::string_view& in) {
  std::string_view rest = in;
  const auto size = TakeU32(rest);
  if (!size || *size > rest.size()) return std::nullopt;
  const std::string_view taken = rest.substr(0, *size);
  in = rest.substr(*size);
  return taken;
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2U : text.ends_with("=") ? 1U : 0U;
  // EVP_DecodeBlock skips white space and takes '=' anywhere; the known_hosts file must not.
  if (text.substr(0, text.size() - padding).find_first_not_of(kAlphabet) !=
      std::string_view::npos) {
    return std::nullopt;
  }
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(size) - padding);
  return bytes;
}

std::string EncodeBase64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::string Fingerprint(std::string_view key_blob) {
  const Sha256Bytes digest = Sha256Of(key_blob);
  std::string text =
      EncodeBase64(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
  while (text.ends_with('=')) text.pop_back();
  return "SHA256:" + text;
}

std::string Printable(std::string_view text, std::size_t limit) {
  std::string line;
  for (const char c : text) {
    if (line.size() >= limit) return line + "...";
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (!control) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

}  // namespace etcdrestore::ssh
