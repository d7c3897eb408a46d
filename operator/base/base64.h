#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace etcdrestore {

/// Standard alphabet with padding, as Kubernetes writes data of Secrets; line breaks are passed
/// over, as Go's decoder does. nullopt for anything else.
std::optional<std::string> DecodeBase64(std::string_view text);

/// One line, padded.
std::string EncodeBase64(std::string_view bytes);

}  // namespace etcdrestore
