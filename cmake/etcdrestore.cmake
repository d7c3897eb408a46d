add_library(etcdrestore_warnings INTERFACE)
target_compile_options(etcdrestore_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual)

# etcdrestore_library(NAME SOURCES … HEADERS … LINKS … PRIVATE_LINKS …): one folder, one static library,
# alias etcdrestore::NAME, includes written from the repository root.
function(etcdrestore_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;HEADERS;LINKS;PRIVATE_LINKS" ${ARGN})
  if(ARG_SOURCES)
    add_library(etcdrestore_${name} STATIC ${ARG_SOURCES})
    target_sources(etcdrestore_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}
      FILES ${ARG_HEADERS})
    target_include_directories(etcdrestore_${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(etcdrestore_${name} PUBLIC ${ARG_LINKS}
      PRIVATE etcdrestore_warnings ${ARG_PRIVATE_LINKS})
    set_target_properties(etcdrestore_${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  else()
    add_library(etcdrestore_${name} INTERFACE)
    target_include_directories(etcdrestore_${name} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(etcdrestore_${name} INTERFACE ${ARG_LINKS})
  endif()
  add_library(etcdrestore::${name} ALIAS etcdrestore_${name})
endfunction()

# etcdrestore_test(NAME LABEL unit|integration SOURCES … LINKS …): one GoogleTest program.
function(etcdrestore_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE etcdrestore_warnings ${ARG_LINKS} GTest::gmock_main)
  target_compile_definitions(${name} PRIVATE ETCDRESTORE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  gtest_discover_tests(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 300 DISCOVERY_TIMEOUT 60)
endfunction()
