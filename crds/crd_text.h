#pragma once

#include <string_view>

namespace etcdrestore {

/// crds/etcdrestores.yaml as text and as JSON; written at build time by crds/embed_crd.cc.
extern const std::string_view kCrdYamlText;
extern const std::string_view kCrdJsonText;

}  // namespace etcdrestore
