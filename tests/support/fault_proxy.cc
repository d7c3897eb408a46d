#include "tests/support/fault_proxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "operator/adapters/http/http_client.h"

namespace etcdrestore::testing {
namespace {

using Send = std::function<bool(std::string_view)>;

/// Passes bytes on in pieces, as many as may pass.
class Pipe {
 public:
  Pipe(const Send& send, const Fault& fault) : send_(send), fault_(fault) {}
  Status Pass(std::string_view bytes) {
    const std::size_t allowed =
        std::min(bytes.size(), fault_.cut_after.value_or(SIZE_MAX) - passed_);
    passed_ += allowed;
    for (std::string_view rest = bytes.substr(0, allowed); !rest.empty();) {
      const std::string_view piece = rest.substr(0, fault_.piece);
      if (!send_(piece)) return Transient("ClientGone", "");
      rest.remove_prefix(piece.size());
    }
    return allowed == bytes.size() ? Status() : Status(Transient("Cut", ""));
  }

 private:
  const Send& send_;
  const Fault& fault_;
  std::size_t passed_ = 0;
};

std::string Head(const HttpResponse& response, const std::string& framing) {
  std::string head = fmt::format("HTTP/1.1 {} Passed on\r\n", response.status);
  for (const auto& [name, value] : response.headers) {
    if (name != "content-length" && name != "transfer-encoding" && name != "connection")
      head += name + ": " + value + "\r\n";
  }
  return head + framing + "\r\n\r\n";
}

}  // namespace

struct FaultProxy::Upstream {
  KubeAccess access;
  std::unique_ptr<HttpClient> client;
  std::stop_source stop;

  void Relay(const TestRequest& request, const Fault& fault, const Send& send) const {
    Pipe pipe(send, fault);
    HttpRequest one;
    one.method = request.method;
    one.url = access.server + request.target;
    one.body = request.body;
    one.idle_timeout = std::chrono::seconds(0);
    for (const char* name : {"accept", "content-type", "user-agent"}) {
      if (const auto header = request.headers.find(name); header != request.headers.end())
        one.headers.emplace_back(name, header->second);
    }
    one.on_headers = [&](const HttpResponse& head) -> Status {
      const bool good = head.status >= 200 && head.status < 300;
      return good ? pipe.Pass(Head(head, "transfer-encoding: chunked")) : Status();
    };
    one.sink = [&](std::string_view bytes) {
      return pipe.Pass(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes));
    };
    Call call;
    call.stop = stop.get_token();
    const auto response = client->Send(call, one);
    if (!response) return;
    const bool good = response->status >= 200 && response->status < 300;
    (void)pipe.Pass(
        good ? "0\r\n\r\n"
             : Head(*response, fmt::format("content-length: {}", response->body.size())) +
                   response->body);
  }
};

FaultProxy::FaultProxy(const KubeAccess& server, Rule rule)
    : upstream_(std::make_unique<Upstream>()) {
  upstream_->access = server;
  HttpOptions options;
  options.tls.ca_pem = server.ca.text;
  options.tls.client_cert_pem = server.client_cert.text;
  options.tls.client_key_pem = Secret(server.client_key.text);
  auto client = HttpClient::Open(std::move(options));
  if (!client) std::abort();
  upstream_->client = std::move(*client);
  server_ = std::make_unique<HttpTestServer>(
      [upstream = upstream_.get(), rule = std::move(rule)](const TestRequest& request) {
        const Fault fault = rule(request);
        TestReply reply;
        reply.never = fault.never;
        reply.raw = fault.answer;
        if (!fault.never && fault.answer.empty())
          reply.stream = [upstream, request, fault](const Send& send) {
            upstream->Relay(request, fault, send);
          };
        return reply;
      });
}

FaultProxy::~FaultProxy() {
  upstream_->stop.request_stop();
  server_.reset();
}

KubeAccess FaultProxy::Access() const {
  KubeAccess access;
  access.server = server_->Url();
  return access;
}

std::string StatusAnswer(int code, const std::string& reason, const std::string& headers) {
  const std::string body = fmt::format(
      R"({{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"{}","code":{},"message":"made up"}})",
      reason, code);
  return fmt::format(
      "HTTP/1.1 {} Made up\r\ncontent-type: application/json\r\n{}"
      "content-length: {}\r\nconnection: close\r\n\r\n{}",
      code, headers, body.size(), body);
}

std::string ErrorEventAnswer(int code, const std::string& reason) {
  const std::string body = fmt::format(
      R"({{"type":"ERROR","object":{{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"{}","code":{},"message":"made up"}}}})",
      reason, code);
  return fmt::format(
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n"
      "connection: close\r\n\r\n{}\n",
      body.size() + 1, body);
}

}  // namespace etcdrestore::testing
