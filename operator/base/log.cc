#include "operator/base/log.h"

namespace etcdrestore {
namespace {
class Null final : public Logger {
 public:
  void Write(LogLevel /*level*/, std::string_view /*message*/,
             const LogFields& /*fields*/) override {}
};
}  // namespace

Logger& NullLogger() {
  static Null logger;
  return logger;
}

}  // namespace etcdrestore
