#!/bin/sh
# Builds Debian 12's own libcurl once more, with HTTP and TLS and nothing else. The packaged one brings thirty
# libraries with it (LDAP, Kerberos, RTMP, a second TLS, a second libssh2): a fifth of what an idle operator
# holds in memory. Where it cannot be built the packaged one serves as well, and takes those 4 MB; with --must
# that is an error.
set -eu
PACKAGE=curl "$(dirname "$0")/from_debian.sh" bookworm libcurl 7.88.1 -DBUILD_CURL_EXE=OFF -DENABLE_MANUAL=OFF \
  -DHTTP_ONLY=ON -DCURL_USE_OPENSSL=ON -DCURL_ZLIB=OFF -DCURL_BROTLI=OFF -DCURL_ZSTD=OFF -DUSE_NGHTTP2=OFF \
  -DUSE_LIBIDN2=OFF -DCURL_USE_LIBPSL=OFF -DCURL_USE_LIBSSH2=OFF -DCURL_USE_LIBSSH=OFF -DCURL_USE_GSSAPI=OFF \
  -DCURL_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt -DCURL_CA_PATH=/etc/ssl/certs ||
  { [ "${1:-}" != --must ] && echo "libcurl: Debian's package is used instead" >&2; }
