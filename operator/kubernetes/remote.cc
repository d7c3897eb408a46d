#include "operator/kubernetes/remote.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "operator/adapters/kube/kube_client.h"
#include "operator/kubernetes/status_document.h"
#include "operator/ports/json_text.h"

namespace etcdrestore {
namespace {

void AddLine(std::string& text, const char* name, const std::string& value) {
  if (!value.empty()) text += fmt::format("{:<12} {}\n", name, value);
}

void AddList(std::string& text, const char* name, const KubeObject& plan, const char* field) {
  const KubeObject list = plan.value(field, KubeObject::array());
  if (list.empty()) return;
  text += fmt::format("{}:\n", name);
  for (const KubeObject& line : list) text += "  " + line.get<std::string>() + "\n";
}

std::string NextWords(const KubeObject& object) {
  const KubeObject metadata = ObjectField(object, "metadata");
  const KubeObject status = ObjectField(object, "status");
  const std::string phase = TextField(status, "phase");
  const std::string name = TextField(metadata, "name") + " -n " + TextField(metadata, "namespace");
  if (phase == "AwaitingApproval")
    return "\nRead the plan. Then: etcdrestore approve " + name + " --plan-hash " +
           TextField(ObjectField(status, "plan"), "hash") + "\n";
  if (phase == "Failed" && ConditionField(status, "Ready", "reason") == "Cancelled") return "";
  if (phase == "Failed" && status.contains("pointOfNoReturn"))
    return "\nThe cluster is half restored. Mend what the message names; any change of the object "
           "(spec.notAfter, say) makes the run go on, with the inputs that it began with. A mended "
           "SSH key, known_hosts or S3 key is read only by a new spec.runID, which takes over.\n";
  if (phase == "Failed" && status.contains("startTime"))
    return "\nNothing was changed. To try again give a new spec.runID.\n";
  return "";
}

}  // namespace

std::string StatusText(const KubeObject& object) {
  const KubeObject metadata = ObjectField(object, "metadata");
  const KubeObject spec = ObjectField(object, "spec");
  const KubeObject status = ObjectField(object, "status");
  const KubeObject snapshot = ObjectField(status, "snapshot");
  const KubeObject plan = ObjectField(status, "plan");
  std::string text;
  AddLine(text, "Name:", TextField(metadata, "namespace") + "/" + TextField(metadata, "name"));
  AddLine(text, "Cluster:", TextField(spec, "clusterName"));
  AddLine(text, "Run:", TextField(spec, "runID"));
  AddLine(text,
          "Phase:", status.contains("phase") ? TextField(status, "phase") : "not looked at yet");
  AddLine(text, "Progress:", TextField(status, "progress"));
  AddLine(text, "Reason:", ConditionField(status, "Ready", "reason"));
  AddLine(text, "Message:", ConditionField(status, "Ready", "message"));
  AddLine(text, "Snapshot:",
          TextField(snapshot, "name") + (snapshot.contains("source") ? " from " : "") +
              TextField(snapshot, "source"));
  AddLine(text, "Started:", TextField(status, "startTime"));
  AddLine(text, "No return:", TextField(status, "pointOfNoReturn"));
  AddLine(text, "Ended:", TextField(status, "completionTime"));
  for (const KubeObject& node : status.value("nodes", KubeObject::array()))
    text += fmt::format("Node {:<16} {:<12} {}\n", TextField(node, "name"),
                        TextField(node, "phase"), TextField(node, "message"));
  if (!plan.empty())
    AddLine(text, "Plan:", TextField(plan, "strategy") + ", " + TextField(plan, "reason"));
  AddList(text, "Destroys", plan, "destroys");
  AddList(text, "Keeps", plan, "keeps");
  return text + NextWords(object);
}

std::string StatusTable(const std::vector<KubeObject>& objects) {
  std::string text = fmt::format("{:<20} {:<24} {:<16} {:<17} {:<14} {}\n", "NAMESPACE", "NAME",
                                 "CLUSTER", "PHASE", "RUN", "REASON");
  for (const KubeObject& object : objects) {
    const KubeObject metadata = ObjectField(object, "metadata");
    const KubeObject status = ObjectField(object, "status");
    text += fmt::format("{:<20} {:<24} {:<16} {:<17} {:<14} {}\n", TextField(metadata, "namespace"),
                        TextField(metadata, "name"),
                        TextField(ObjectField(object, "spec"), "clusterName"),
                        TextField(status, "phase"), TextField(ObjectField(object, "spec"), "runID"),
                        ConditionField(status, "Ready", "reason"));
  }
  return text;
}

std::string ApprovalProblem(const KubeObject& object, const std::string& plan_hash) {
  const KubeObject status = ObjectField(object, "status");
  const std::string known = TextField(ObjectField(status, "plan"), "hash");
  if (TextField(status, "runID") != TextField(ObjectField(object, "spec"), "runID") ||
      known.empty())
    return "there is no plan for this run yet; look again with: etcdrestore status";
  const std::string phase = TextField(status, "phase");
  if (phase != "AwaitingApproval") return "the run does not wait for approval: it is " + phase;
  if (plan_hash.empty()) return "name the plan that you have read: --plan-hash " + known;
  if (plan_hash != known)
    return "the plan is now " + known + ", not " + plan_hash +
           ": it changed since you read it. Read it again with: etcdrestore status";
  return "";
}

namespace {

int Fail(const Error& error) {
  std::fprintf(stderr, "%s: %s\n", error.reason.c_str(), error.message.c_str());
  return 1;
}

int ShowAll(const Call& call, KubeApi& api, const RemoteRequest& request,
            const std::string& name_space) {
  std::vector<KubeObject> objects;
  const auto end = api.List(call, kEtcdRestores, name_space, {},
                            [&](KubeObject object) { objects.push_back(std::move(object)); });
  if (!end) return Fail(end.error());
  const std::string text = request.json ? JsonText(objects, 2) + "\n" : StatusTable(objects);
  return std::fputs(text.c_str(), stdout) < 0 ? 1 : 0;
}

int Patch(const Call& call, KubeApi& api, const KubeName& name, KubeObject spec,
          const char* words) {
  const auto wrote =
      api.Write(call, {KubeVerb::kMerge, kEtcdRestores, name, "", {{"spec", std::move(spec)}}});
  if (!wrote) return Fail(wrote.error());
  return std::printf("%s %s\n", name.Key().c_str(), words) < 0 ? 1 : 0;
}

}  // namespace

int RunRemote(const Call& whole, const RemoteRequest& request) {
  const Call call = whole.Within(std::chrono::seconds(60));
  auto access = FindAccess(request.kubeconfig, request.context);
  if (!access) return Fail(access.error());
  const std::string name_space =
      request.name_space.empty() ? access->name_space : request.name_space;
  if (name_space.empty())
    return Fail(Terminal("NamespaceUnknown",
                         "the service account does not say which namespace this pod is in: give "
                         "--namespace"));
  const RealClock clock;
  KubeClientOptions options;
  options.field_manager = "etcdrestore-cli";
  options.user_agent = "etcdrestore/" + request.version + " (linux/amd64)";
  const auto api = MakeKubeClient(std::move(*access), std::move(options), clock);
  if (request.name.empty()) return ShowAll(call, *api, request, name_space);
  const KubeName name{name_space, request.name};
  const auto object = api->Get(call, kEtcdRestores, name);
  if (!object) return Fail(object.error());
  switch (request.what) {
    case RemoteRequest::What::kStatus: {
      const std::string text = request.json ? object->dump(2) + "\n" : StatusText(*object);
      return std::fputs(text.c_str(), stdout) < 0 ? 1 : 0;
    }
    case RemoteRequest::What::kApprove: {
      const std::string problem = ApprovalProblem(*object, request.plan_hash);
      if (!problem.empty()) {
        std::fprintf(stderr, "etcdrestore approve: %s\n", problem.c_str());
        return 2;
      }
      return Patch(call, *api, name, {{"approvedPlan", request.plan_hash}}, "approved");
    }
    case RemoteRequest::What::kCancel:
      return Patch(call, *api, name, {{"cancel", true}}, "is asked to stop");
  }
  return 1;
}

}  // namespace etcdrestore
