// What people type beside the operator: `kubectl etcdrestore ...`, and the line of the docs that
// frees an object whose operator is gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "operator/base/files.h"
#include "tests/integration/kube/server.h"

namespace etcdrestore::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// As `kubectl-etcdrestore` on PATH, which is how kubectl finds a plugin.
KubeServer::Said Plugin(const std::string& arguments) {
  const std::string folder = Server().folder() + "/plugins";
  std::filesystem::create_directories(folder);
  std::error_code there;
  std::filesystem::create_symlink(ETCDRESTORE_PROGRAM, folder + "/kubectl-etcdrestore", there);
  return Server().Shell("kubectl etcdrestore " + arguments, folder);
}

KubeObject Find(const std::string& name) {
  const auto object = Server().api().Get({}, kEtcdRestores, {"recovery", name});
  return object ? *object : KubeObject();
}

void Create(const KubeObject& object) {
  const KubeName name{"recovery", object["metadata"]["name"]};
  const auto wrote = Server().api().Write({}, {KubeVerb::kCreate, kEtcdRestores, name, "", object});
  ASSERT_TRUE(wrote) << wrote.error().message;
}

/// An object whose run waits, or waited, for approval.
void CreateWithPlan(const std::string& name, const std::string& phase,
                    const std::string& run_of_plan = "r1") {
  KubeObject object = UnreachableRestore(name, name);
  object["spec"]["approval"] = "Manual";
  Create(object);
  const KubeObject status = {{"phase", phase},
                             {"runID", run_of_plan},
                             {"plan", {{"hash", "c750b66d"}, {"strategy", "InPlace"}}}};
  const auto wrote = Server().api().Write(
      {}, {KubeVerb::kMerge, kEtcdRestores, {"recovery", name}, "status", {{"status", status}}});
  ASSERT_TRUE(wrote) << wrote.error().message;
}

TEST(KubectlPlugin, ShowsOneObjectAndATableOfMany) {
  CreateWithPlan("shown", "AwaitingApproval");
  CreateWithPlan("shown-too", "Succeeded");
  const auto one = Plugin("status shown -n recovery");
  EXPECT_EQ(one.code, 0) << one.text;
  EXPECT_THAT(one.text, HasSubstr("Name:        recovery/shown\n"));
  EXPECT_THAT(one.text, HasSubstr("approve shown -n recovery --plan-hash c750b66d"));
  const auto many = Plugin("status -n recovery");
  EXPECT_EQ(many.code, 0) << many.text;
  EXPECT_THAT(many.text, AllOf(HasSubstr("NAMESPACE "), HasSubstr(" shown "),
                               HasSubstr(" shown-too "), HasSubstr(" AwaitingApproval ")));
  const auto json = Plugin("status shown -n recovery --json");
  EXPECT_EQ(KubeObject::parse(json.text, nullptr, false)["status"]["plan"]["hash"], "c750b66d");
  const auto none = Plugin("status nobody -n recovery");
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.text, HasSubstr("NotFound"));
}

TEST(KubectlPlugin, ApprovesThePlanThatWasReadAndNoOther) {
  CreateWithPlan("approved", "AwaitingApproval");
  const auto other = Plugin("approve approved -n recovery --plan-hash 0000aaaa");
  EXPECT_EQ(other.code, 2);
  EXPECT_THAT(other.text, HasSubstr("the plan is now c750b66d, not 0000aaaa"));
  EXPECT_FALSE(Find("approved")["spec"].contains("approvedPlan"));
  const auto right = Plugin("approve approved -n recovery --plan-hash c750b66d");
  EXPECT_EQ(right.code, 0) << right.text;
  EXPECT_THAT(right.text, HasSubstr("recovery/approved approved"));
  EXPECT_EQ(Find("approved")["spec"]["approvedPlan"], "c750b66d");
  EXPECT_EQ(Find("approved")["spec"]["approval"], "Manual") << "and nothing else is changed";
}

TEST(KubectlPlugin, ApprovesNothingThatDoesNotWait) {
  CreateWithPlan("not-waiting", "Succeeded");
  CreateWithPlan("of-old-run", "AwaitingApproval", "r0");
  for (const char* name : {"not-waiting", "of-old-run"}) {
    const auto said = Plugin(std::string("approve ") + name + " -n recovery --plan-hash c750b66d");
    EXPECT_EQ(said.code, 2) << said.text;
    EXPECT_THAT(said.text, HasSubstr("etcdrestore approve: "));
    EXPECT_FALSE(Find(name)["spec"].contains("approvedPlan")) << name;
  }
}

TEST(KubectlPlugin, CancelsAnObjectAndOnlyThatOne) {
  Create(UnreachableRestore("cancelled", "cancelled"));
  Create(UnreachableRestore("spared", "spared"));
  const auto said = Plugin("cancel cancelled -n recovery");
  EXPECT_EQ(said.code, 0) << said.text;
  EXPECT_EQ(Find("cancelled")["spec"]["cancel"], true);
  EXPECT_EQ(Find("spared")["spec"]["cancel"], false);
  EXPECT_NE(Plugin("cancel -n recovery").code, 0) << "never all of them";
}

/// The indented line of a document that begins so.
std::string LineOf(const std::string& document, const std::string& begin) {
  const std::string text =
      ReadFile(std::string(ETCDRESTORE_SOURCE_DIR) + "/docs/" + document).value_or("");
  const std::size_t at = text.find("\n    " + begin);
  EXPECT_NE(at, std::string::npos) << document << " has no line " << begin;
  return at == std::string::npos ? "" : text.substr(at + 5, text.find('\n', at + 1) - at - 5);
}

std::string Filled(std::string line, const std::string& word, const std::string& value) {
  const std::size_t at = line.find(" " + word + " ");
  EXPECT_NE(at, std::string::npos) << word << " is not in " << line;
  return at == std::string::npos ? line : line.replace(at + 1, word.size(), value);
}

TEST(Documents, TheLineThatFreesAnObjectWhoseOperatorIsGoneFreesIt) {
  KubeObject object = UnreachableRestore("orphan", "orphan");
  object["metadata"]["finalizers"] = {"etcdrestore.io/half-done"};
  Create(object);
  (void)Server().Kubectl({"delete", "etcdrestore", "orphan", "-n", "recovery", "--wait=false"});
  ASSERT_TRUE(Find("orphan")["metadata"].contains("deletionTimestamp")) << "it hangs";
  std::string line = LineOf("management-cluster.md", "kubectl patch etcdrestore NAME");
  line = Filled(Filled(std::move(line), "NAMESPACE", "recovery"), "NAME", "orphan");
  const auto said = Server().Shell(line);
  EXPECT_EQ(said.code, 0) << line << "\n" << said.text;
  EXPECT_TRUE(Find("orphan").is_null());
}

}  // namespace
}  // namespace etcdrestore::testing
