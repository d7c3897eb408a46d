# etcdrestore_embed(OUTPUT SYMBOL FILE…): writes OUTPUT, a .cc that defines
# `extern const std::string_view etcdrestore::SYMBOL` with the files' text one after another.
function(etcdrestore_embed output symbol)
  set(body "")
  foreach(file ${ARGN})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(READ ${file} text)
    string(APPEND body "R\"embedded(${text})embedded\"\n")
  endforeach()
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT
"#include <string_view>
namespace etcdrestore {
extern const std::string_view @symbol@;
const std::string_view @symbol@ =
@body@;
}
")
endfunction()
