#include "operator/base/holder.h"

#include <unistd.h>

#include <array>

#include "operator/base/files.h"

namespace etcdrestore {
namespace {

/// Field 22 of /proc/<pid>/stat, counted behind the command's closing bracket; "" when there is no
/// such process.
std::string StartTime(const std::string& pid) {
  const auto stat = ReadFile("/proc/" + pid + "/stat");
  if (!stat) return "";
  std::size_t at = stat->rfind(')') + 1;
  for (int field = 2; field < 21; ++field) at = stat->find(' ', at + 1);
  return stat->substr(at + 1, stat->find(' ', at + 1) - at - 1);
}

std::string Place() {
  std::string boot = ReadFile("/proc/sys/kernel/random/boot_id").value_or("unknown");
  boot.erase(boot.find_last_not_of('\n') + 1);
  std::array<char, 64> space{};
  const ssize_t length = ::readlink("/proc/self/ns/pid", space.data(), space.size() - 1);
  std::string name(space.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  std::string digits;
  for (const char c : name) {
    if (c >= '0' && c <= '9') digits += c;
  }
  return boot.substr(0, 8) + "." + digits + ".";
}

}  // namespace

std::string OwnHolderId(const std::string& work) {
  const std::string pid = std::to_string(::getpid());
  return Place() + pid + "." + StartTime(pid) + "." + work;
}

bool IsDeadHere(const std::string& holder_id) {
  const std::string place = Place();
  if (!holder_id.starts_with(place)) return false;
  const std::string rest = holder_id.substr(place.size());
  const std::size_t dot = rest.find('.');
  if (dot == std::string::npos) return false;
  const std::string start = rest.substr(dot + 1, rest.find('.', dot + 1) - dot - 1);
  return !start.empty() && StartTime(rest.substr(0, dot)) != start;
}

}  // namespace etcdrestore
