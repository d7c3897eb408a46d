#include "tests/integration/kube/scripted.h"

namespace etcdrestore::testing {

Scripted::Scripted(HttpTestServer::Handler handler, KubeClientOptions options)
    : server_(std::move(handler)) {
  options.retry.wait = [this](const Call&, Duration pause) {
    pauses.push_back(pause);
    clock.Advance(pause);
    return Status();
  };
  options.retry.chance = [] { return 0.0; };
  api_ = MakeKubeClient(Access(), std::move(options), clock);
}

KubeAccess Scripted::Access() const {
  KubeAccess access;
  access.server = server_.Url();
  return access;
}

std::vector<std::string> Scripted::asked() const {
  std::vector<std::string> targets;
  for (const TestRequest& request : server_.requests()) targets.push_back(request.target);
  return targets;
}

TestReply StreamOf(const std::vector<std::string>& lines, std::shared_future<void> over) {
  TestReply reply;
  reply.stream = [=](const std::function<bool(std::string_view)>& send) {
    std::string bytes = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    for (const std::string& line : lines) bytes += line + "\n";
    if (send(bytes)) over.wait();
  };
  return reply;
}

TestReply ListOf(const std::vector<std::string>& names, const std::string& more) {
  KubeObject list = {{"kind", "ConfigMapList"},
                     {"apiVersion", "v1"},
                     {"metadata", {{"resourceVersion", "9"}, {"continue", more}}},
                     {"items", KubeObject::array()}};
  for (const std::string& name : names) {
    list["items"].push_back({{"metadata",
                              {{"namespace", "recovery"},
                               {"name", name},
                               {"uid", "uid-" + name},
                               {"resourceVersion", "5"}}},
                             {"data", {{"key", "1"}}}});
  }
  return {.body = list.dump()};
}

TestReply Refusal(int status, const std::string& reason, const std::string& retry_after) {
  TestReply reply;
  reply.status = status;
  if (!retry_after.empty()) reply.headers = {{"Retry-After", retry_after}};
  reply.body = KubeObject{{"kind", "Status"}, {"reason", reason}, {"code", status}}.dump();
  return reply;
}

}  // namespace etcdrestore::testing
