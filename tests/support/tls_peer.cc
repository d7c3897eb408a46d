#include "tests/support/tls_peer.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <memory>

#include "tests/support/sockets.h"

namespace etcdrestore::testing {

std::string CertificateShownOn(int port) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> session(SSL_new(context.get()), &SSL_free);
  const int fd = ConnectToLoopback(port);
  if (fd < 0) return "";
  SSL_set_fd(session.get(), fd);
  std::string text;
  if (SSL_connect(session.get()) == 1) {
    const std::unique_ptr<X509, decltype(&X509_free)> shown(
        SSL_get1_peer_certificate(session.get()), &X509_free);
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_X509(bio.get(), shown.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    text.assign(data, static_cast<std::size_t>(size));
    SSL_shutdown(session.get());
  }
  close(fd);
  return text;
}

}  // namespace etcdrestore::testing
