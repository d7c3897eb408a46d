// Build tool: embed_crd IN.yaml OUT.cc writes the CRD as C++ text, once as it stands and once as
// JSON, so that the program needs neither the file nor a YAML parser to know its own schema.

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include "operator/adapters/yaml/yaml_loader.h"

namespace {

/// Raw string literals in pieces: compilers may limit the length of one.
void WriteText(std::ostream& out, std::string_view name, std::string_view text) {
  constexpr std::size_t kPiece = 8000;
  out << "const std::string_view " << name << " =\n";
  for (; !text.empty(); text.remove_prefix(std::min(kPiece, text.size()))) {
    out << "R\"crd(" << text.substr(0, kPiece) << ")crd\"\n";
  }
  out << ";\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: embed_crd IN.yaml OUT.cc\n";
    return 2;
  }
  std::ifstream in(argv[1], std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto documents = etcdrestore::LoadYaml(text, argv[1]);
  if (!in || !documents || documents->size() != 1) {
    std::cerr << argv[1] << ": "
              << (documents ? "want one document" : documents.error().message.c_str()) << "\n";
    return 1;
  }
  std::ofstream out(argv[2], std::ios::binary);
  out << "#include \"crds/crd_text.h\"\n\nnamespace etcdrestore {\n\n";
  WriteText(out, "kCrdYamlText", text);
  WriteText(out, "kCrdJsonText", documents->front().value.dump());
  out << "\n}  // namespace etcdrestore\n";
  return out.flush() ? 0 : 1;
}
