# Target etcdrestore_libcurl: the small one that tests/deps/libcurl.sh has built, else Debian's package.
etcdrestore_built_library(libcurl 7.88.1 _root)
if(_root)
  add_library(etcdrestore_libcurl STATIC IMPORTED GLOBAL)
  set_target_properties(etcdrestore_libcurl PROPERTIES IMPORTED_LOCATION "${_root}/lib/libcurl.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_root}/include"
    INTERFACE_LINK_LIBRARIES "OpenSSL::SSL;OpenSSL::Crypto;Threads::Threads")
else()
  find_package(CURL REQUIRED)
  add_library(etcdrestore_libcurl ALIAS CURL::libcurl)
endif()
