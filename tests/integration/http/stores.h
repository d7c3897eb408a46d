#pragma once

#include <string>
#include <vector>

#include "operator/adapters/http/s3_store.h"
#include "operator/adapters/http/url_store.h"

namespace etcdrestore::testing {

inline const RealClock& TheClock() {
  static const RealClock clock;
  return clock;
}

/// Retries without waiting; the pauses that were asked for are noted in `pauses`.
inline Retry NoWait(std::vector<Duration>* pauses = nullptr) {
  Retry retry;
  retry.wait = [pauses](const Call& call, Duration pause) -> Status {
    if (pauses != nullptr) pauses->push_back(pause);
    if (auto over = call.Over()) return *over;
    return {};
  };
  retry.chance = [] { return 0.999; };
  return retry;
}

inline ByteSink Into(std::string& text) {
  return [&text](std::string_view bytes) -> Status {
    text += bytes;
    return {};
  };
}

/// Bytes that differ everywhere, so that a lost, doubled or shifted part shows.
inline std::string Pattern(std::size_t size) {
  std::string out;
  out.reserve(size + 8);
  for (std::uint64_t i = 0; out.size() < size; ++i) {
    const std::uint64_t word = (i + 1) * 0x9E3779B97F4A7C15U;
    out.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  out.resize(size);
  return out;
}

}  // namespace etcdrestore::testing
