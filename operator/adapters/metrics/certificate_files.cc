#include "operator/adapters/metrics/certificate_files.h"

#include "operator/base/files.h"
#include "operator/base/sha256.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

constexpr auto kEvery = 10s;
constexpr std::size_t kLargest = 1U << 20U;

}  // namespace

Result<std::unique_ptr<CertificateFiles>> CertificateFiles::Open(Options options,
                                                                 const Clock& clock) {
  std::unique_ptr<CertificateFiles> files(new CertificateFiles(std::move(options), clock));
  const Status read = files->Read();
  files->options_.heard(read);
  if (!files->current_) return read.error();
  return files;
}

std::shared_ptr<const TlsIdentity> CertificateFiles::Current() {
  if (clock_.Steady() - looked_ >= kEvery) options_.heard(Read());
  return current_;
}

Status CertificateFiles::Read() {
  looked_ = clock_.Steady();
  const std::string where = "TLS certificate " + options_.certificate + " with " + options_.key;
  auto certificate = ReadFile(options_.certificate, kLargest);
  if (!certificate) return certificate.error().In(where);
  auto key_text = ReadFile(options_.key, kLargest);
  if (!key_text) return key_text.error().In(where);
  CertificatePair pair{std::move(*certificate), Secret(std::move(*key_text))};
  const std::string found = HexSha256(pair.certificate) + HexSha256(pair.key.Reveal());
  if (found == taken_) return {};
  const auto identity = TlsIdentity::FromPem(pair);
  if (!identity) return identity.error().In(where);
  const Status valid = (*identity)->ValidAt(clock_.Now());
  if (!valid && current_) return valid.error().In(where);
  current_ = *identity;
  taken_ = found;
  return valid ? Status() : Status(valid.error().In(where));
}

}  // namespace etcdrestore
