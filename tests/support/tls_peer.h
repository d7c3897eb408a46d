#pragma once

#include <string>

namespace etcdrestore::testing {

/// The certificate that a TLS server on 127.0.0.1 shows, unverified, as PEM; "" when it shows none.
std::string CertificateShownOn(int port);

}  // namespace etcdrestore::testing
