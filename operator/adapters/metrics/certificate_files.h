#pragma once

#include <functional>
#include <memory>
#include <string>

#include "operator/adapters/metrics/tls_identity.h"

namespace etcdrestore {

/// The pair in two files, which others replace while this process runs. A new pair that is broken
/// or out of its time is not taken: the old one goes on. One thread.
class CertificateFiles {
 public:
  struct Options {
    std::string certificate;  ///< path
    std::string key;          ///< path
    /// Hears of each read: done, or why what lies there is of no use; error FileMissing,
    /// FileUnreadable, BadCertificate. In the thread that asks for the pair.
    std::function<void(const Status&)> heard;
  };
  /// Reads for the first time. One that is out of its time is heard of and taken all the same, for
  /// want of an older one; any other error is returned. `clock` is borrowed.
  static Result<std::unique_ptr<CertificateFiles>> Open(Options options, const Clock& clock);

  /// The newest good pair. Looks at the files when the last look is ten seconds ago.
  std::shared_ptr<const TlsIdentity> Current();

 private:
  CertificateFiles(Options options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}
  Status Read();

  const Options options_;
  const Clock& clock_;
  std::shared_ptr<const TlsIdentity> current_;
  std::string taken_;  ///< hash of the files that became it
  SteadyTime looked_{};
};

}  // namespace etcdrestore
