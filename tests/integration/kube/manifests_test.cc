// What is shipped in manifests/, put into a real API server by the real kubectl, as a person does
// it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "operator/adapters/kube/kube_client.h"
#include "operator/adapters/yaml/yaml_loader.h"
#include "operator/base/files.h"
#include "operator/kubernetes/operator.h"
#include "tests/integration/kube/server.h"
#include "tests/support/child_process.h"

namespace etcdrestore::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::filesystem::path kManifests = std::string(ETCDRESTORE_SOURCE_DIR) + "/manifests";

std::string Kubectl(const std::vector<std::string>& arguments) {
  const auto said = Server().Kubectl(arguments);
  EXPECT_TRUE(said) << said.error().message;
  return said.value_or("");
}

std::vector<KubeObject> Documents(const std::string& text) {
  std::vector<KubeObject> objects;
  const auto loaded = LoadYaml(text, "kubectl kustomize");
  EXPECT_TRUE(loaded) << loaded.error().message;
  if (!loaded) return objects;
  for (const YamlDocument& one : *loaded) objects.push_back(one.value);
  return objects;
}

KubeObject OfKind(const std::string& text, const std::string& kind, const std::string& name = "") {
  for (const KubeObject& object : Documents(text)) {
    if (object["kind"] == kind && (name.empty() || object["metadata"]["name"] == name))
      return object;
  }
  ADD_FAILURE() << "no " << kind << " " << name << " in:\n" << text;
  return KubeObject::object();
}

/// A kustomization as a person writes it around ours. Its folder.
std::string Overlay(const std::string& name, const std::vector<std::string>& components) {
  const std::filesystem::path folder = Server().folder() + "/" + name;
  std::filesystem::create_directories(folder);
  const auto from_here = [&](const std::string& part) {
    return std::filesystem::relative(kManifests / part, folder).string();
  };
  std::string text = "resources:\n  - " + from_here("default") + "\ncomponents:\n";
  for (const std::string& one : components) text += "  - " + from_here(one) + "\n";
  EXPECT_TRUE(WriteFileAtomically(folder / "kustomization.yaml", text));
  return folder;
}

std::string Default() { return Kubectl({"kustomize", kManifests / "default"}); }

KubeObject Container() {
  return OfKind(Default(), "Deployment")["spec"]["template"]["spec"]["containers"][0];
}

/// The Pod that the Deployment would make, offered to the API server, which keeps nothing.
Result<std::string> OfferPod(const std::function<void(KubeObject& spec)>& change) {
  const KubeObject deployment = OfKind(Default(), "Deployment");
  KubeObject pod = deployment["spec"]["template"];
  pod["apiVersion"] = "v1";
  pod["kind"] = "Pod";
  pod["metadata"]["name"] = "offered";
  pod["metadata"]["namespace"] = deployment["metadata"]["namespace"];
  change(pod["spec"]);
  const std::string path = Server().folder() + "/pod.json";
  EXPECT_TRUE(WriteFileAtomically(path, pod.dump()));
  return Server().Kubectl({"create", "--dry-run=server", "-f", path});
}

TEST(Manifests, TheDefaultIsAppliedWholeAndASecondTimeChangesNothing) {
  const std::string applied = Kubectl({"apply", "-k", kManifests / "default"});
  for (const char* one :
       {"customresourcedefinition.apiextensions.k8s.io/etcdrestores.etcdrestore.io",
        "deployment.apps/etcdrestore-operator",
        "networkpolicy.networking.k8s.io/etcdrestore-operator",
        "persistentvolumeclaim/etcdrestore-state", "serviceaccount/etcdrestore-operator"})
    EXPECT_THAT(applied, HasSubstr(one));
  const std::string again = Kubectl({"apply", "-k", kManifests / "default"});
  EXPECT_THAT(again, HasSubstr("deployment.apps/etcdrestore-operator unchanged"));
  EXPECT_THAT(again, Not(HasSubstr("configured")));
  EXPECT_THAT(again, Not(HasSubstr("created")));
}

TEST(Manifests, RestrictedPodSecurityAdmitsTheOperatorAndNothingLess) {
  (void)Kubectl({"apply", "-k", kManifests / "default"});
  const auto admitted = OfferPod([](KubeObject&) {});
  ASSERT_TRUE(admitted) << admitted.error().message;
  EXPECT_THAT(*admitted, Not(HasSubstr("Warning")));
  const std::pair<const char*, std::function<void(KubeObject&)>> less[] = {
      {"runAsNonRoot", [](KubeObject& spec) { spec["securityContext"].erase("runAsNonRoot"); }},
      {"seccompProfile", [](KubeObject& spec) { spec["securityContext"].erase("seccompProfile"); }},
      {"allowPrivilegeEscalation",
       [](KubeObject& spec) {
         spec["containers"][0]["securityContext"].erase("allowPrivilegeEscalation");
       }},
      {"capabilities",
       [](KubeObject& spec) { spec["containers"][0]["securityContext"].erase("capabilities"); }}};
  for (const auto& [what, change] : less) {
    const auto refused = OfferPod(change);
    ASSERT_FALSE(refused) << what;
    EXPECT_THAT(refused.error().message, HasSubstr("violates PodSecurity \"restricted"));
    EXPECT_THAT(refused.error().message, HasSubstr(what));
  }
}

TEST(Manifests, TheContainerWritesOnlyWhereAVolumeIs) {
  const KubeObject container = Container();
  EXPECT_EQ(container["securityContext"]["readOnlyRootFilesystem"], true);
  std::set<std::string> mounts;
  for (const KubeObject& mount : container["volumeMounts"])
    mounts.insert(mount["mountPath"].get<std::string>());
  EXPECT_THAT(mounts, ElementsAre("/tmp", OperatorOptions().state_dir));
  EXPECT_TRUE(container["resources"]["limits"].contains("memory"));
  EXPECT_TRUE(container["resources"]["requests"].contains("cpu"));
}

TEST(Manifests, ProbesAskWhereTheOperatorAnswers) {
  const KubeObject container = Container();
  std::map<std::string, std::string> ports;
  for (const KubeObject& port : container["ports"])
    ports[port["name"]] = ":" + std::to_string(port["containerPort"].get<int>());
  EXPECT_EQ(ports["metrics"], OperatorOptions().metrics_address);
  EXPECT_EQ(ports["health"], OperatorOptions().health_address);
  EXPECT_EQ(container["livenessProbe"]["httpGet"],
            KubeObject({{"path", "/healthz"}, {"port", "health"}}));
  EXPECT_EQ(container["readinessProbe"]["httpGet"],
            KubeObject({{"path", "/readyz"}, {"port", "health"}}));
  const KubeObject policy = OfKind(Default(), "NetworkPolicy");
  std::set<std::string> scraped;
  for (const KubeObject& port : policy["spec"]["ingress"][0]["ports"])
    scraped.insert(":" + std::to_string(port["port"].get<int>()));
  EXPECT_EQ(scraped, (std::set<std::string>{ports["metrics"], ports["health"]}));
}

TEST(Manifests, TheNetworkPolicyLetsOutWhatARestoreNeeds) {
  const KubeObject policy = OfKind(Default(), "NetworkPolicy")["spec"];
  EXPECT_EQ(policy["podSelector"]["matchLabels"]["app.kubernetes.io/component"], "operator");
  EXPECT_THAT(policy["policyTypes"].get<std::vector<std::string>>(),
              ElementsAre("Ingress", "Egress"));
  std::vector<std::set<int>> out;
  for (const KubeObject& rule : policy["egress"]) {
    out.emplace_back();
    // Names go to any address; the rest to those of both families.
    EXPECT_EQ(rule.contains("to") ? rule["to"].size() : 2U, 2U);
    for (const KubeObject& port : rule["ports"]) out.back().insert(port["port"].get<int>());
  }
  EXPECT_THAT(out, ElementsAre(ElementsAre(53), ElementsAre(443, 6443), ElementsAre(22, 6443)));
}

TEST(Manifests, MonitoringFindsTheOperatorAndHandsTheDashboardToGrafana) {
  const std::string built = Kubectl({"kustomize", Overlay("monitored", {"monitoring"})});
  const KubeObject labels = OfKind(built, "Deployment")["spec"]["template"]["metadata"]["labels"];
  const KubeObject monitor = OfKind(built, "PodMonitor");
  for (const auto& [name, value] : monitor["spec"]["selector"]["matchLabels"].items())
    EXPECT_EQ(labels.value(name, ""), value) << name;
  EXPECT_EQ(monitor["spec"]["podMetricsEndpoints"][0]["port"], Container()["ports"][0]["name"]);
  const KubeObject dashboard = OfKind(built, "ConfigMap", "etcdrestore-dashboard");
  EXPECT_EQ(dashboard["metadata"]["labels"]["grafana_dashboard"], "1");
  EXPECT_TRUE(KubeObject::accept(dashboard["data"]["etcdrestore.json"].get<std::string>()));
  for (const KubeObject& object : Documents(built)) {
    if (object["apiVersion"] == "monitoring.coreos.com/v1") {
      EXPECT_EQ(object["metadata"]["namespace"], "etcdrestore-system");
    }
  }
}

/// The yaml blocks of a page whose first line is `# NAME`.
std::string BlockIn(const std::string& page, const std::string& name, std::size_t after = 0) {
  const std::string begin = "```yaml\n# " + name + "\n";
  const std::size_t at = page.find(begin, after);
  EXPECT_NE(at, std::string::npos) << name;
  if (at == std::string::npos) return "";
  return page.substr(at + begin.size(), page.find("```\n", at + 3) - at - begin.size());
}

TEST(Manifests, SecureMetricsAreServedWhereTheyAreAskedAndLetIn) {
  const std::string built = Kubectl({"kustomize", Overlay("secured", {"secure-metrics"})});
  const KubeObject container =
      OfKind(built, "Deployment")["spec"]["template"]["spec"]["containers"][0];
  EXPECT_THAT(container["args"].get<std::vector<std::string>>(),
              ElementsAre("operator", "--metrics-bind-address=:8443", "--metrics-secure"));
  EXPECT_EQ(container["ports"], KubeObject({{{"containerPort", 8443}, {"name", "metrics"}},
                                            {{"containerPort", 8081}, {"name", "health"}}}));
  std::set<int> let_in;
  const KubeObject policy = OfKind(built, "NetworkPolicy")["spec"];
  for (const KubeObject& port : policy["ingress"][0]["ports"])
    let_in.insert(port["port"].get<int>());
  EXPECT_THAT(let_in, ElementsAre(8081, 8443));
  EXPECT_EQ(OfKind(built, "ClusterRole", "etcdrestore-metrics-reader")["rules"],
            KubeObject::array({{{"nonResourceURLs", {"/metrics"}}, {"verbs", {"get"}}}}));
  EXPECT_EQ(OfKind(built, "ClusterRoleBinding", "etcdrestore-metrics-auth")["subjects"],
            OfKind(built, "ClusterRoleBinding", "etcdrestore-operator")["subjects"]);
}

TEST(Manifests, SecureMetricsAreAppliedWhole) {
  const std::string applied = Kubectl({"apply", "-k", Overlay("secured", {"secure-metrics"})});
  for (const char* one : {"clusterrole.rbac.authorization.k8s.io/etcdrestore-metrics-auth",
                          "clusterrole.rbac.authorization.k8s.io/etcdrestore-metrics-reader",
                          "deployment.apps/etcdrestore-operator"})
    EXPECT_THAT(applied, HasSubstr(one));
}

TEST(Manifests, ThePageSaysHowPrometheusScrapesSecureMetrics) {
  const std::string page = *ReadFile(kManifests.parent_path() / "docs/monitoring.md");
  const std::filesystem::path folder = Server().folder() + "/scraped";
  std::filesystem::create_directories(folder);
  const std::string scraper = BlockIn(page, "scraper.yaml");
  std::string text = BlockIn(page, "kustomization.yaml", page.find("# scraper.yaml"));
  const std::string here = std::filesystem::relative(kManifests, folder);
  for (std::size_t at = 0; (at = text.find("etcdrestore/manifests", at)) != std::string::npos;)
    text.replace(at, std::string("etcdrestore/manifests").size(), here);
  ASSERT_TRUE(WriteFileAtomically(folder / "kustomization.yaml", text));
  ASSERT_TRUE(WriteFileAtomically(folder / "scraper.yaml", scraper));
  const std::string built = Kubectl({"kustomize", folder});
  const KubeObject endpoint = OfKind(built, "PodMonitor")["spec"]["podMetricsEndpoints"][0];
  EXPECT_EQ(endpoint["port"], "metrics");
  EXPECT_EQ(endpoint["scheme"], "https");
  EXPECT_EQ(endpoint["tlsConfig"], KubeObject({{"insecureSkipVerify", true}}));
  const KubeObject secret =
      OfKind(built, "Secret", endpoint["authorization"]["credentials"]["name"]);
  EXPECT_EQ(secret["metadata"]["namespace"], "etcdrestore-system") << "that of the PodMonitor";
  EXPECT_EQ(secret["type"], "kubernetes.io/service-account-token");
  (void)Kubectl({"apply", "-k", Overlay("secured", {"secure-metrics"})});
  (void)Kubectl({"apply", "-f", folder / "scraper.yaml"});
  EXPECT_TRUE(
      Allows("system:serviceaccount:etcdrestore-system:etcdrestore-scraper", {"get", "/metrics"}));
}

TEST(Manifests, ArgoCdsConfigurationGetsTheHealthCheck) {
  const std::filesystem::path folder = Server().folder() + "/argocd";
  std::filesystem::create_directories(folder);
  ASSERT_TRUE(WriteFileAtomically(folder / "argocd-cm.yaml",
                                  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm, "
                                  "namespace: argocd}\ndata: {url: https://argo.example.com}\n"));
  ASSERT_TRUE(WriteFileAtomically(
      folder / "kustomization.yaml",
      "resources: [argocd-cm.yaml]\ncomponents: [" +
          std::filesystem::relative(kManifests / "argocd", folder).string() + "]\n"));
  const KubeObject map = OfKind(Kubectl({"kustomize", folder}), "ConfigMap", "argocd-cm");
  EXPECT_EQ(map["data"]["url"], "https://argo.example.com");
  EXPECT_EQ(map["data"]["resource.customizations.health.etcdrestore.io_EtcdRestore"],
            *ReadFile(kManifests / "argocd/health.lua"));
}

TEST(Manifests, EverySampleIsTakenByTheApiServer) {
  int seen = 0;
  for (const auto& sample : std::filesystem::directory_iterator(kManifests / "samples")) {
    SCOPED_TRACE(sample.path());
    const std::string applied = Kubectl({"apply", "-f", sample.path()});
    EXPECT_THAT(applied, HasSubstr("etcdrestore.etcdrestore.io/"));
    EXPECT_THAT(applied, Not(HasSubstr("Warning")));
    EXPECT_THAT(Kubectl({"get", "etcdrestores", "-n", "recovery", "-o", "wide"}),
                ::testing::StartsWith("NAME "));
    (void)Kubectl({"delete", "-f", sample.path(), "--wait=false"});
    ++seen;
  }
  EXPECT_GE(seen, 2);
}

TEST(Manifests, TheRoleOfOneNamespaceAllowsWhatTheClusterRoleDoes) {
  const std::string all = Default();
  const std::string one = Kubectl({"kustomize", Overlay("compared", {"single-namespace"})});
  EXPECT_EQ(OfKind(one, "Role", "etcdrestore-objects")["rules"],
            OfKind(all, "ClusterRole", "etcdrestore-operator")["rules"]);
  EXPECT_THAT(one, Not(HasSubstr("kind: ClusterRoleBinding")));
  for (const KubeObject& object : Documents(one)) {
    if (object["kind"] == "ClusterRole") {
      EXPECT_NE(object["metadata"]["name"], "etcdrestore-operator");
    }
  }
}

TEST(Manifests, WithTheRolesOfOneNamespaceTheOperatorWorksThereAndReadsNoOther) {
  const std::string overlay = Overlay("single", {"single-namespace"});
  for (const char* kind : {"clusterrolebinding", "clusterrole"})
    (void)Kubectl({"delete", kind, "etcdrestore-operator", "--ignore-not-found"});
  (void)Kubectl({"apply", "-k", overlay});
  const std::string user = "system:serviceaccount:etcdrestore-system:etcdrestore-operator";
  const std::string group = "system:serviceaccounts";
  const std::string& folder = Server().folder();
  std::vector<std::string> argv = {ETCDRESTORE_PROGRAM};
  const KubeObject deployment = OfKind(Kubectl({"kustomize", overlay}), "Deployment");
  for (const KubeObject& one : deployment["spec"]["template"]["spec"]["containers"][0]["args"])
    argv.push_back(one);
  EXPECT_EQ(argv.back(), "--namespace=recovery");
  argv.insert(argv.end(), {"--kubeconfig", Server().Kubeconfig(user, group), "--state-dir",
                           folder + "/state", "--metrics-bind-address", "127.0.0.1:0",
                           "--health-probe-bind-address", "127.0.0.1:0"});
  const ChildProcess process(argv, folder + "/single.log", {"HOME=" + folder});
  ASSERT_TRUE(process.WaitForLog("Leading")) << process.Log();
  const KubeName name{"recovery", "narrow"};
  ASSERT_TRUE(Server().api().Write(
      {}, {KubeVerb::kCreate, kEtcdRestores, name, "", UnreachableRestore("narrow", "narrow")}));
  EXPECT_TRUE(process.WaitUntil([&] {
    const auto object = Server().api().Get({}, kEtcdRestores, name);
    return object && object->value("status", KubeObject::object()).value("phase", "") == "Failed";
  })) << process.Log();
  EXPECT_THAT(process.Log(), Not(HasSubstr("Forbidden")));
  EXPECT_TRUE(process.WaitUntil([] {
    bool told = false;
    const auto listed = Server().api().List(
        {}, kEvents, "etcdrestore-system", {},
        [&](const KubeObject& event) { told = told || event["reason"] == "LeaderElection"; });
    return listed && told;
  })) << "the Event of its Lease needs no ClusterRole";
  RealClock clock;
  const auto narrow = MakeKubeClient(Server().Access(user, group), {}, clock);
  EXPECT_TRUE(narrow->Get({}, kSecrets, {"recovery", "narrow-inputs"}));
  const auto other = narrow->Get({}, kSecrets, {"kube-system", "any"});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().reason, "Forbidden");
}

}  // namespace
}  // namespace etcdrestore::testing
