#pragma once

#include <string>

#include "operator/adapters/http/http_client.h"

namespace etcdrestore {

/// An answer of the API server that is not 2xx, as an Error: its own reason where the body is a
/// Status, else one made from the code, and BadAnswer for a 404. `doing` begins the message: "get
/// secrets ns/name at https://…". Pure.
Error ApiError(const std::string& doing, const HttpResponse& response);

/// The same for a Status inside a watch stream.
Error ApiStatusError(const std::string& doing, const std::string& status_json, int code);

}  // namespace etcdrestore
