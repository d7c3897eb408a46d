#include "operator/base/clock.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

namespace etcdrestore {
namespace {

using std::chrono::duration_cast;

bool TakeNumber(std::string_view& text, std::size_t digits, int& out) {
  if (text.size() < digits) return false;
  out = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool TakeChar(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

bool TakeFraction(std::string_view& text, std::int64_t& nanos) {
  nanos = 0;
  if (text.empty() || text.front() != '.') return true;
  text.remove_prefix(1);
  std::int64_t scale = 100'000'000;
  std::size_t digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    if (++digits > 9) return false;
    nanos += (text.front() - '0') * scale;
    scale /= 10;
    text.remove_prefix(1);
  }
  return digits > 0;
}

bool TakeOffset(std::string_view& text, std::chrono::minutes& offset) {
  if (TakeChar(text, "Zz")) return offset = std::chrono::minutes(0), true;
  const bool minus = !text.empty() && text.front() == '-';
  int hours = 0;
  int minutes = 0;
  if (!TakeChar(text, "+-") || !TakeNumber(text, 2, hours) || !TakeChar(text, ":") ||
      !TakeNumber(text, 2, minutes) || hours > 23 || minutes > 59) {
    return false;
  }
  offset = std::chrono::minutes((hours * 60 + minutes) * (minus ? -1 : 1));
  return true;
}

struct Unit {
  std::string_view name;
  double nanos;
};
constexpr std::array<Unit, 7> kUnits = {
    {{"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};

}  // namespace

SystemTime RealClock::Now() const {
  return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
}
SteadyTime RealClock::Steady() const { return std::chrono::steady_clock::now(); }
Duration RealClock::Slept() const {
  const auto read = [](clockid_t which) {
    timespec now{};
    ::clock_gettime(which, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  };
  const Duration awake = read(CLOCK_MONOTONIC);
  return std::max<Duration>(read(CLOCK_BOOTTIME) - awake, Duration(0));
}

std::string FormatTime(SystemTime time) {
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - days));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::string FormatTime(SystemTime time, int decimals) {
  const auto nanos = time - std::chrono::floor<std::chrono::seconds>(time);
  const std::string fraction = fmt::format("{:09}", std::chrono::nanoseconds(nanos).count());
  std::string text = FormatTime(time);
  text.pop_back();
  return text + "." + fraction.substr(0, static_cast<std::size_t>(decimals)) + "Z";
}

std::optional<SystemTime> ParseTime(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  std::int64_t nanos = 0;
  std::chrono::minutes offset{0};
  const bool shape =
      TakeNumber(text, 4, year) && TakeChar(text, "-") && TakeNumber(text, 2, month) &&
      TakeChar(text, "-") && TakeNumber(text, 2, day) && TakeChar(text, "Tt ") &&
      TakeNumber(text, 2, hour) && TakeChar(text, ":") && TakeNumber(text, 2, minute) &&
      TakeChar(text, ":") && TakeNumber(text, 2, second) && TakeFraction(text, nanos) &&
      TakeOffset(text, offset) && text.empty();
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  // Beyond these years nanoseconds overflow; docker writes year 1 for what never started.
  if (year < 1678 || year > 2261) return std::nullopt;
  if (!shape || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return SystemTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) - offset + std::chrono::seconds(second) +
         std::chrono::nanoseconds(nanos);
}

std::optional<Duration> ParseDuration(std::string_view text) {
  if (text == "0") return Duration(0);
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    std::size_t end = 0;
    while (end < text.size() && ((text[end] >= '0' && text[end] <= '9') || text[end] == '.')) ++end;
    if (end == 0 || end > 18 || text.substr(0, end) == ".") return std::nullopt;
    char* parsed = nullptr;
    const std::string digits(text.substr(0, end));
    const double number = std::strtod(digits.c_str(), &parsed);
    if (parsed != digits.c_str() + digits.size()) return std::nullopt;
    text.remove_prefix(end);
    std::size_t unit_end = 0;
    while (unit_end < text.size() && text[unit_end] != '.' &&
           (text[unit_end] < '0' || text[unit_end] > '9')) {
      ++unit_end;
    }
    const std::string_view name = text.substr(0, unit_end);
    double nanos = 0;
    for (const Unit& unit : kUnits) {
      if (unit.name == name) nanos = unit.nanos;
    }
    if (nanos == 0) return std::nullopt;
    total += number * nanos;
    text.remove_prefix(unit_end);
  }
  if (total > 9.2e18) return std::nullopt;
  return Duration(static_cast<std::int64_t>(total));
}

std::string HumanDuration(Duration duration) {
  const auto seconds = duration_cast<std::chrono::seconds>(duration).count();
  if (seconds < 60) return fmt::format("{:.1f} s", static_cast<double>(duration.count()) / 1e9);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{} d {} h", seconds / 86400, seconds / 3600 % 24);
}

}  // namespace etcdrestore
