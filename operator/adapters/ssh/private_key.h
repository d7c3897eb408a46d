#pragma once

#include <string>

#include "operator/base/result.h"
#include "operator/base/secret.h"

namespace etcdrestore::ssh {

/// What may be said about a private key in a message.
struct PrivateKeyLabel {
  std::string type;         ///< "ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"
  std::string fingerprint;  ///< "SHA256:…" of its public half
  bool encrypted = false;
};

/// Reads what can be read without using the key: OpenSSH format (whose public half is in clear) and
/// PEM or PKCS#8 (opened with the passphrase). A wrong passphrase for OpenSSH format is only found
/// when the key is used. Error KeyUnreadable: says whether it is a public key, not a key at all, of
/// a kind that is not supported, or needs another passphrase.
Result<PrivateKeyLabel> DescribePrivateKey(const Secret& text, const Secret& passphrase);

/// Line endings as the parsers want them: no CR, and a newline at the end. YAML and Windows editors
/// lose these.
Secret NormalizedKeyText(const Secret& text);

}  // namespace etcdrestore::ssh
