# Target etcdrestore_libssh2: libssh2 >= 1.11.1, as tests/deps/libssh2.sh has built it, else the system's.
# Earlier ones cannot use RSA keys with a default OpenSSH >= 8.8.
etcdrestore_built_library(libssh2 1.11.1 _root)
if(_root)
  find_package(ZLIB REQUIRED)
  add_library(etcdrestore_libssh2 STATIC IMPORTED GLOBAL)
  set_target_properties(etcdrestore_libssh2 PROPERTIES IMPORTED_LOCATION "${_root}/lib/libssh2.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_root}/include"
    INTERFACE_LINK_LIBRARIES "OpenSSL::Crypto;ZLIB::ZLIB")
else()
  pkg_check_modules(LIBSSH2 IMPORTED_TARGET GLOBAL "libssh2>=1.11.1")
  if(NOT LIBSSH2_FOUND)
    message(FATAL_ERROR "libssh2 >= 1.11.1 is neither built nor installed. `make deps` builds it.")
  endif()
  add_library(etcdrestore_libssh2 ALIAS PkgConfig::LIBSSH2)
endif()
