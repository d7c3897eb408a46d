#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace etcdrestore {

/// One step of a document. Attributes are checked for form and dropped: S3 uses none but xmlns.
struct XmlEvent {
  enum class Kind { kStart, kText, kEnd, kDone };
  Kind kind = Kind::kDone;
  std::string name;  ///< of the element, for kStart and kEnd
  std::string text;  ///< decoded, for kText
};

/// A strict pull parser sized for the answers of S3: elements, text, CDATA, comments, the five
/// named entities and character references. A document type, unknown entities, unbalanced or
/// unclosed tags, more than 16 levels, or anything after the root is error BadXml (terminal).
/// Borrows the document. One thread at a time.
class XmlReader {
 public:
  explicit XmlReader(std::string_view document) : rest_(document) {}
  /// kDone comes after the root's end, for ever. After an error, do not go on.
  Result<XmlEvent> Next();

 private:
  Result<XmlEvent> Text();
  Result<XmlEvent> Start();
  Result<XmlEvent> End();
  bool SkipPast(std::string_view mark);
  Result<std::string> TakeName();

  std::string_view rest_;
  std::vector<std::string> open_;
  bool empty_element_ = false;  ///< <a/>: its end is the next event
  bool root_seen_ = false;
};

}  // namespace etcdrestore
