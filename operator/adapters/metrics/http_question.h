#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "operator/base/secret.h"

namespace etcdrestore {

/// What a client asks for.
struct HttpQuestion {
  std::string path;
  std::string query;
  Secret bearer;  ///< the token of `Authorization: Bearer`; "" for none
};

/// Reads the head of a request, up to its empty line; nullopt unless it is a GET. Of several
/// headers Authorization the first one counts. Pure.
std::optional<HttpQuestion> ParseQuestion(std::string_view head);

}  // namespace etcdrestore
