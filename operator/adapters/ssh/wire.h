#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace etcdrestore::ssh {

/// SSH's `string`: four bytes of length, then the bytes (RFC 4251 section 5).
void PutString(std::string& out, std::string_view bytes);
/// SSH's `mpint` of an unsigned big-endian number.
void PutMpint(std::string& out, std::string_view big_endian);
/// Takes a number or a string off the front; nullopt when the input is too short.
std::optional<std::uint32_t> TakeU32(std::string_view& in);
std::optional<std::string_view> TakeString(std::string_view& in);

/// Strict base64 with padding; nullopt for anything else.
std::optional<std::string> DecodeBase64(std::string_view text);
std::string EncodeBase64(std::string_view bytes);

/// "SHA256:…" of a public key in wire form, as `ssh-keygen -lf` prints it.
std::string Fingerprint(std::string_view key_blob);

/// Text of a remote machine made fit for a message: one line, printable, at most `limit` bytes.
std::string Printable(std::string_view text, std::size_t limit = 300);

}  // namespace etcdrestore::ssh
