#include "operator/adapters/ssh/known_hosts.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <optional>

#include "operator/adapters/ssh/wire.h"

namespace etcdrestore::ssh {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view TakeField(std::string_view& rest) {
  constexpr std::string_view kBlank = " \t";
  const std::size_t start = std::min(rest.find_first_not_of(kBlank), rest.size());
  rest.remove_prefix(start);
  const std::string_view field = rest.substr(0, rest.find_first_of(kBlank));
  rest.remove_prefix(field.size());
  return field;
}

// Two cursors with one remembered star: linear, where recursion would be exponential in stars.
bool Glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::optional<std::size_t> star;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star) {
      p = *star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool ListNames(std::string_view list, const std::string& name) {
  bool named = false;
  while (!list.empty()) {
    std::string_view pattern = list.substr(0, list.find(','));
    list.remove_prefix(std::min(pattern.size() + 1, list.size()));
    const bool negated = pattern.starts_with('!');
    if (negated) pattern.remove_prefix(1);
    if (!Glob(Lower(pattern), name)) continue;
    if (negated) return false;
    named = true;
  }
  return named;
}

constexpr std::string_view kHashMagic = "|1|";

struct HashedName {
  std::string salt;
  std::string digest;
};

std::optional<HashedName> ParseHashed(std::string_view hosts) {
  hosts.remove_prefix(kHashMagic.size());
  const std::size_t bar = hosts.find('|');
  if (bar == std::string_view::npos) return std::nullopt;
  auto salt = DecodeBase64(hosts.substr(0, bar));
  auto digest = DecodeBase64(hosts.substr(bar + 1));
  if (!salt || !digest || digest->size() != 20) return std::nullopt;
  return HashedName{*std::move(salt), *std::move(digest)};
}

bool HashNames(std::string_view hosts, const std::string& name) {
  const auto hashed = ParseHashed(hosts);
  if (!hashed) return false;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha1(), hashed->salt.data(), static_cast<int>(hashed->salt.size()),
       reinterpret_cast<const unsigned char*>(name.data()), name.size(), digest.data(), &size);
  return hashed->digest == std::string_view(reinterpret_cast<const char*>(digest.data()), size);
}

}  // namespace

std::string KnownHostsName(std::string_view host, int port) {
  if (port == 22) return Lower(host);
  return "[" + Lower(host) + "]:" + std::to_string(port);
}

KnownHosts KnownHosts::Parse(std::string_view text) {
  KnownHosts known;
  int number = 0;
  while (!text.empty()) {
    ++number;
    std::string_view row = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(row.size() + 1, text.size()));
    if (row.ends_with('\r')) row.remove_suffix(1);
    const std::size_t start = row.find_first_not_of(" \t");
    if (start == std::string_view::npos || row[start] == '#') continue;
    Line line;
    if (ParseLine(row, line)) {
      known.lines_.push_back(std::move(line));
    } else {
      known.unreadable_lines_.push_back(number);
    }
  }
  return known;
}

bool KnownHosts::ParseLine(std::string_view text, Line& line) {
  std::string_view hosts = TakeField(text);
  if (hosts.starts_with('@')) {
    if (hosts != "@revoked" && hosts != "@cert-authority") return false;
    line.marker = hosts == "@revoked" ? Marker::kRevoked : Marker::kCertAuthority;
    hosts = TakeField(text);
  }
  if (hosts.starts_with(kHashMagic) && !ParseHashed(hosts)) return false;
  line.hosts = hosts;
  line.key.type = TakeField(text);
  auto blob = DecodeBase64(TakeField(text));
  if (hosts.empty() || line.key.type.empty() || !blob) return false;
  // The type stands inside the key too; a line that contradicts itself proves nothing.
  std::string_view inside = *blob;
  if (TakeString(inside) != line.key.type) return false;
  line.key.blob = *std::move(blob);
  return true;
}

bool KnownHosts::NamesHost(const Line& line, const std::string& name) {
  if (line.hosts.starts_with(kHashMagic)) return HashNames(line.hosts, name);
  return ListNames(line.hosts, name);
}

std::vector<const KnownHosts::Line*> KnownHosts::LinesNaming(const std::string& name) const {
  std::vector<const Line*> found;
  for (const Line& line : lines_) {
    if (NamesHost(line, name)) found.push_back(&line);
  }
  return found;
}

std::vector<std::string> KnownHosts::KeyTypesFor(std::string_view host, int port) const {
  const auto types_of = [this](const std::string& name) {
    std::vector<std::string> types;
    for (const Line* line : LinesNaming(name)) {
      const bool seen = std::find(types.begin(), types.end(), line->key.type) != types.end();
      if (line->marker == Marker::kNone && !seen) types.push_back(line->key.type);
    }
    return types;
  };
  std::vector<std::string> types = types_of(KnownHostsName(host, port));
  if (types.empty() && port != 22) types = types_of(KnownHostsName(host, 22));
  return types;
}

HostVerdict KnownHosts::Verdict(const std::vector<const Line*>& lines, const HostKey& key) {
  bool match = false;
  bool same_type = false;
  bool other_type = false;
  bool authority = false;
  for (const Line* line : lines) {
    if (line->marker == Marker::kRevoked) {
      // A revocation beats any other line, wherever it stands.
      if (line->key == key) return HostVerdict::kRevoked;
    } else if (line->marker == Marker::kCertAuthority) {
      authority = true;
    } else if (line->key == key) {
      match = true;
    } else {
      (line->key.type == key.type ? same_type : other_type) = true;
    }
  }
  if (match) return HostVerdict::kMatch;
  if (same_type) return HostVerdict::kMismatch;
  if (other_type) return HostVerdict::kKnownWithAnotherType;
  return authority ? HostVerdict::kOnlyCertAuthority : HostVerdict::kUnknown;
}

HostVerdict KnownHosts::Check(std::string_view host, int port, const HostKey& key) const {
  const HostVerdict own = Verdict(LinesNaming(KnownHostsName(host, port)), key);
  const bool undecided = own == HostVerdict::kUnknown || own == HostVerdict::kOnlyCertAuthority;
  if (port == 22 || !undecided) return own;
  const HostVerdict plain = Verdict(LinesNaming(KnownHostsName(host, 22)), key);
  // Another key on another port is no contradiction: only agreement and revocation count.
  return plain == HostVerdict::kMatch || plain == HostVerdict::kRevoked ? plain : own;
}

}  // namespace etcdrestore::ssh
