#include "crds/etcd_restore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "crds/schema.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;
using testing::Not;

Json AnObject() {
  return Json::parse(R"({
    "apiVersion": "etcdrestore.io/v1alpha1", "kind": "EtcdRestore",
    "metadata": {"name": "a", "namespace": "recovery", "uid": "u", "generation": 3,
                 "creationTimestamp": "2026-11-22T03:00:00Z"},
    "spec": {"clusterName": "prod", "runID": "r1",
             "rke": {"clusterConfig": {"secretRef": {"name": "rke", "key": "cluster.yml"}}},
             "snapshot": {"latest": "Verified"}, "sources": [{"nodes": {}}]}})");
}

EtcdRestore Parsed(const Json& object) {
  auto restore = ParseEtcdRestore(object);
  EXPECT_TRUE(restore) << restore.error().message;
  return restore ? *restore : EtcdRestore{};
}

TEST(EtcdRestoreObject, DefaultsAreThoseOfTheContractStruct) {
  const EtcdRestoreSpec spec = Parsed(AnObject()).spec;
  const EtcdRestoreSpec wanted;
  EXPECT_EQ(spec.strategy, wanted.strategy);
  EXPECT_EQ(spec.host_key_policy, wanted.host_key_policy);
  EXPECT_EQ(spec.approval, wanted.approval);
  EXPECT_EQ(spec.clean.keep_old_data_for, wanted.clean.keep_old_data_for);
  EXPECT_EQ(spec.clean.all_containers, wanted.clean.all_containers);
  EXPECT_EQ(spec.clean.anonymous_volumes, wanted.clean.anonymous_volumes);
  EXPECT_EQ(spec.clean.workers, wanted.clean.workers);
  EXPECT_EQ(spec.deadlines.total, wanted.deadlines.total);
  EXPECT_EQ(spec.deadlines.preflight, wanted.deadlines.preflight);
  EXPECT_EQ(spec.deadlines.cleaned, wanted.deadlines.cleaned);
  EXPECT_EQ(spec.deadlines.fetched, wanted.deadlines.fetched);
  EXPECT_EQ(spec.deadlines.restored, wanted.deadlines.restored);
  EXPECT_EQ(spec.deadlines.up, wanted.deadlines.up);
  EXPECT_EQ(spec.deadlines.restarted, wanted.deadlines.restarted);
  EXPECT_EQ(spec.attempts, wanted.attempts);
  EXPECT_EQ(std::get<NodesSourceSpec>(spec.sources[0]).directory, NodesSourceSpec{}.directory);
  EXPECT_FALSE(spec.paused);
  EXPECT_FALSE(spec.cancel);
  EXPECT_FALSE(spec.not_after);
  EXPECT_FALSE(spec.cluster_state);
}

TEST(EtcdRestoreObject, KeepsItsIdentity) {
  const EtcdRestore restore = Parsed(AnObject());
  EXPECT_EQ(restore.RunKey(), "prod/recovery/a/r1");
  EXPECT_EQ(restore.uid, "u");
  EXPECT_EQ(restore.generation, 3);
  ASSERT_TRUE(restore.created);
  EXPECT_EQ(FormatTime(*restore.created), "2026-11-22T03:00:00Z");
}

TEST(EtcdRestoreObject, IsInNamespaceDefaultWhenItNamesNone) {
  Json object = AnObject();
  object["metadata"].erase("namespace");
  EXPECT_EQ(Parsed(object).name_space, "default");
}

TEST(EtcdRestoreObject, EveryFieldArrivesInItsPlace) {
  Json object = AnObject();
  object["spec"].update(Json::parse(R"({
    "rke": {"clusterConfig": {"configMapRef": {"name": "cm", "key": "c.yml"}},
            "clusterState": {"secretRef": {"name": "st", "key": "s"}}, "version": "v1.8.0"},
    "ssh": {"privateKey": {"secretRef": {"name": "k", "key": "id"}},
            "passphrase": {"secretRef": {"name": "k", "key": "pw"}},
            "knownHosts": {"configMapRef": {"name": "kh", "key": "known_hosts"}},
            "hostKeyPolicy": "AcceptNew"},
    "replaceNodes": [{"address": "1.1.1.3", "with":
       {"address": "4.4.4.6", "internalAddress": "10.0.0.6", "hostnameOverride": "n6"}}],
    "snapshot": {"before": "2026-11-22T04:00:00+02:00", "sha256":
       "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", "pkiBundle": "p.tar.gz"},
    "sources": [{"s3": {"endpoint": "https://s3", "bucket": "bkt", "prefix": "p/",
                        "forcePathStyle": true, "credentials": {"secretRef": {"name": "cr"}},
                        "ca": {"secretRef": {"name": "ca", "key": "ca.crt"}}}},
                {"http": {"url": "https://h/x", "ca": {"configMapRef": {"name": "c", "key": "d"}}}},
                {"file": {"path": "x.zip"}}],
    "strategy": "Runbook", "approval": "Manual", "approvedPlan": "abc", "paused": true,
    "cancel": true, "notAfter": "2026-11-23T00:00:00Z", "attempts": 7,
    "clean": {"containers": "All", "volumes": "None", "workers": true, "keepOldDataFor": "0s"},
    "deadlines": {"total": "1h", "preflight": "1m", "cleaned": "2m", "fetched": "3m",
                  "restored": "4m", "up": "5m", "restarted": "6m"}})"));
  const EtcdRestoreSpec spec = Parsed(object).spec;
  using std::chrono::minutes;
  EXPECT_FALSE(spec.cluster_config.secret);
  EXPECT_EQ(spec.cluster_config.name, "cm");
  EXPECT_EQ(spec.cluster_config.key, "c.yml");
  EXPECT_EQ(spec.cluster_state->key, "s");
  EXPECT_EQ(spec.rke_version, "v1.8.0");
  EXPECT_EQ(spec.ssh_private_key->key, "id");
  EXPECT_EQ(spec.ssh_passphrase->key, "pw");
  EXPECT_EQ(spec.known_hosts->name, "kh");
  EXPECT_EQ(spec.host_key_policy, HostKeyPolicy::kAcceptNew);
  EXPECT_EQ(spec.replace_nodes[0].address, "1.1.1.3");
  EXPECT_EQ(spec.replace_nodes[0].with_address, "4.4.4.6");
  EXPECT_EQ(spec.replace_nodes[0].with_internal_address, "10.0.0.6");
  EXPECT_EQ(spec.replace_nodes[0].with_hostname_override, "n6");
  EXPECT_EQ(FormatTime(*spec.snapshot.before), "2026-11-22T02:00:00Z");
  EXPECT_EQ(spec.snapshot.sha256.substr(0, 8), "e3b0c442");
  EXPECT_EQ(spec.snapshot.pki_bundle, "p.tar.gz");
  const auto& s3 = std::get<S3SourceSpec>(spec.sources[0]);
  EXPECT_EQ(s3.endpoint, "https://s3");
  EXPECT_EQ(s3.region, "us-east-1");
  EXPECT_EQ(s3.bucket, "bkt");
  EXPECT_EQ(s3.prefix, "p/");
  EXPECT_TRUE(s3.force_path_style);
  EXPECT_EQ(s3.credentials->name, "cr");
  EXPECT_EQ(s3.credentials->key, "");
  EXPECT_TRUE(s3.ca->secret);
  EXPECT_EQ(std::get<HttpSourceSpec>(spec.sources[1]).url, "https://h/x");
  EXPECT_EQ(std::get<HttpSourceSpec>(spec.sources[1]).ca->key, "d");
  EXPECT_EQ(std::get<FileSourceSpec>(spec.sources[2]).path, "x.zip");
  EXPECT_EQ(spec.strategy, Strategy::kRunbook);
  EXPECT_EQ(spec.approval, ApprovalMode::kManual);
  EXPECT_EQ(spec.approved_plan, "abc");
  EXPECT_TRUE(spec.paused);
  EXPECT_TRUE(spec.cancel);
  EXPECT_EQ(FormatTime(*spec.not_after), "2026-11-23T00:00:00Z");
  EXPECT_EQ(spec.attempts, 7);
  EXPECT_TRUE(spec.clean.all_containers);
  EXPECT_FALSE(spec.clean.anonymous_volumes);
  EXPECT_TRUE(spec.clean.workers);
  EXPECT_EQ(spec.clean.keep_old_data_for, Duration(0));
  EXPECT_EQ(spec.deadlines.total, minutes(60));
  EXPECT_EQ(spec.deadlines.preflight, minutes(1));
  EXPECT_EQ(spec.deadlines.cleaned, minutes(2));
  EXPECT_EQ(spec.deadlines.fetched, minutes(3));
  EXPECT_EQ(spec.deadlines.restored, minutes(4));
  EXPECT_EQ(spec.deadlines.up, minutes(5));
  EXPECT_EQ(spec.deadlines.restarted, minutes(6));
}

TEST(EtcdRestoreObject, NullsAreAsAbsentAsForTheApiServer) {
  Json object = AnObject();
  object["spec"]["strategy"] = nullptr;
  object["spec"]["notAfter"] = nullptr;
  object["spec"]["clean"] = Json{{"containers", nullptr}};
  const EtcdRestore restore = Parsed(object);
  EXPECT_EQ(restore.raw["spec"]["strategy"], "Auto");
  EXPECT_EQ(restore.raw["spec"]["clean"]["containers"], "RKE");
  EXPECT_FALSE(restore.raw["spec"].contains("notAfter"));
}

TEST(EtcdRestoreObject, MetadataIsJudgedToo) {
  struct Case {
    const char* patch;
    const char* message;
  };
  const Case cases[] = {
      {R"({"apiVersion": "etcdrestore.io/v1"})",
       "apiVersion: Unsupported value: \"etcdrestore.io/v1\": supported values: "
       "\"etcdrestore.io/v1alpha1\""},
      {R"({"kind": null})", "kind: Required value"},
      {R"({"extra": 1})", "extra: unknown field"},
      {R"({"metadata": null})", "metadata.name: Required value"},
      {R"({"metadata": 5})", "metadata: Invalid value"},
      {R"({"metadata": {"name": "A_b"}})", "metadata.name: Invalid value: \"A_b\""},
      {R"({"metadata": {"namespace": "a.b"}})", "metadata.namespace: Invalid value: \"a.b\""},
      {R"({"metadata": {"lables": {}}})", "metadata.lables: unknown field"},
      {R"({"metadata": {"labels": {"a": true}}})", "metadata.labels.a: Invalid value: \"boolean\""},
      {R"({"metadata": {"annotations": []}})", "metadata.annotations: Invalid value: \"array\""},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.patch);
    Json object = AnObject();
    object.merge_patch(Json::parse(one.patch));
    const auto restore = ParseEtcdRestore(object);
    ASSERT_FALSE(restore);
    EXPECT_THAT(restore.error().message, HasSubstr(one.message));
  }
}

TEST(EtcdRestoreObject, LongValuesAreShortenedInMessages) {
  Json object = AnObject();
  object["spec"]["snapshot"] = Json{{"name", std::string(250, '/')}};
  const auto restore = ParseEtcdRestore(object);
  ASSERT_FALSE(restore);
  EXPECT_THAT(restore.error().message, HasSubstr("//...\""));
  EXPECT_THAT(restore.error().message, Not(HasSubstr(std::string(130, '/'))));
}

TEST(EtcdRestoreObject, AnUpdateOfOneOptionalFieldIsSeen) {
  Json changed = AnObject();
  changed["spec"]["snapshot"]["sha256"] =
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  const Status status = CheckUpdate(Parsed(AnObject()), Parsed(changed));
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("may change only together with runID"));
  changed["spec"]["runID"] = "r2";
  EXPECT_TRUE(CheckUpdate(Parsed(AnObject()), Parsed(changed)));
}

TEST(EtcdRestoreObject, OtherDocumentsAreRefused) {
  for (const char* text : {"[]", "5", "null", "\"x\"", "{}"}) {
    const auto restore = ParseEtcdRestore(Json::parse(text));
    ASSERT_FALSE(restore) << text;
    EXPECT_EQ(restore.error().reason, "ObjectInvalid");
  }
}

TEST(Schema, LengthsCountCharactersNotBytes) {
  const Json schema = Json::parse(R"({"type": "string", "maxLength": 2})");
  EXPECT_TRUE(CheckSchema("\xC3\xA4\xC3\xA4", schema, "x").empty());
  EXPECT_FALSE(CheckSchema("\xC3\xA4\xC3\xA4\xC3\xA4", schema, "x").empty());
}

TEST(Schema, SetsHoldEachValueOnce) {
  const Json schema = Json::parse(
      R"({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}})");
  EXPECT_TRUE(CheckSchema(Json::array({"a", "b"}), schema, "x").empty());
  const auto faults = CheckSchema(Json::array({"a", "b", "a"}), schema, "x");
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].Text(), "x[2]: Duplicate value: \"a\"");
}

}  // namespace
}  // namespace etcdrestore
