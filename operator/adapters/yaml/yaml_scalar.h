#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "operator/base/result.h"

namespace etcdrestore {

/// What readers of YAML 1.1 and 1.2 make of a plain scalar.
enum class PlainKind {
  kText,           ///< a string to every reader
  kNull,           ///< null to every reader
  kBool,           ///< true or false to every reader
  kInteger,        ///< fits 64 bits and is written the one canonical way
  kFloat,          ///< likewise
  kOldBool,        ///< yes, no, on, off, y, n: a boolean in YAML 1.1, text in 1.2
  kDecimal,        ///< a decimal number that would be written back differently: 1.10, 1e3, +5
  kForeignNumber,  ///< 010, 0x1f, 0b1, 1_000, .inf, more than 64 bits: readers differ in the value
  kSexagesimal,    ///< 8080:80, 12:30:45: a number to base 60 in YAML 1.1, text in 1.2
};

/// Pure; the one place that knows the words and numbers of both versions.
PlainKind ClassifyPlain(const std::string& text);

/// The JSON value of a scalar of kind kNull, kBool, kInteger, kFloat, kOldBool; else the text.
nlohmann::ordered_json PlainValue(PlainKind kind, const std::string& text);

}  // namespace etcdrestore
