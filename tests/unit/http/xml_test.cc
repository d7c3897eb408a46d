#include "operator/adapters/http/xml.h"

#include <gtest/gtest.h>

namespace etcdrestore {
namespace {

/// "<a" for a start, "text" in quotes, "a>" for an end, or the reason of the error.
std::string Walk(std::string_view document) {
  XmlReader reader(document);
  std::string out;
  while (true) {
    const auto event = reader.Next();
    if (!event) return event.error().reason;
    switch (event->kind) {
      case XmlEvent::Kind::kStart:
        out += "<" + event->name + " ";
        break;
      case XmlEvent::Kind::kText:
        out += "'" + event->text + "' ";
        break;
      case XmlEvent::Kind::kEnd:
        out += event->name + "> ";
        break;
      case XmlEvent::Kind::kDone:
        return out;
    }
  }
}

TEST(XmlReader, WalksElementsTextAndEmptyElements) {
  EXPECT_EQ(Walk("<?xml version=\"1.0\"?>\n<a x='1' y=\"<>\"><b>t</b><c/><d /></a >\n"),
            "<a <b 't' b> <c c> <d d> a> ");
}

TEST(XmlReader, DecodesEntitiesAndCharacterReferences) {
  EXPECT_EQ(Walk("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x1F600;&#xFC;</a>"), "<a '<>&\"'A😀ü' a> ");
  EXPECT_EQ(Walk("<a>&amp;lt;</a>"), "<a '&lt;' a> ") << "decoded twice";
}

TEST(XmlReader, SkipsCommentsAndReadsCdata) {
  EXPECT_EQ(Walk("<a><!-- <b> --><![CDATA[<x>&amp;]]></a>"), "<a '<x>&amp;' a> ");
}

TEST(XmlReader, RefusesWhatIsNotWellFormed) {
  for (const char* document : {"",
                               "   ",
                               "text",
                               "<a>",
                               "<a></b>",
                               "</a>",
                               "<a/><b/>",
                               "<a/>text",
                               "<a",
                               "<a b></a>",
                               "<a b=c/>",
                               "<a b=\"c/>",
                               "<a>&unknown;</a>",
                               "<a>&#0;</a>",
                               "<a>&#xD800;</a>",
                               "<a>&#99999999999;</a>",
                               "<a>& b</a>",
                               "<a>&amp</a>",
                               "<a><!-- </a>",
                               "<a><![CDATA[x</a>",
                               "<!DOCTYPE a [<!ENTITY x \"y\">]><a/>",
                               "<a><b></a></b>",
                               "< a/>",
                               "<?xml ",
                               "<a>&#x;</a>"}) {
    EXPECT_EQ(Walk(document), "BadXml") << document;
  }
}

TEST(XmlReader, BoundsTheDepth) {
  const auto nested = [](int levels) {
    std::string out;
    for (int i = 0; i < levels; ++i) out += "<a>";
    for (int i = 0; i < levels; ++i) out += "</a>";
    return out;
  };
  EXPECT_NE(Walk(nested(16)), "BadXml");
  EXPECT_EQ(Walk(nested(17)), "BadXml");
}

TEST(XmlReader, NeverAcceptsATruncatedDocument) {
  const std::string whole = "<?xml version=\"1.0\"?><a x=\"1\"><b>t&amp;</b><!-- c --><c/></a>";
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(Walk(std::string_view(whole).substr(0, size)), "BadXml") << size;
}

}  // namespace
}  // namespace etcdrestore
