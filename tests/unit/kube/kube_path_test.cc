#include <gtest/gtest.h>

#include "operator/adapters/kube/kube_client.h"

namespace etcdrestore {
namespace {

TEST(KubePath, HasANamespaceOnlyWhereThereIsOne) {
  EXPECT_EQ(KubePath(kSecrets, "recovery", "one"), "/api/v1/namespaces/recovery/secrets/one");
  EXPECT_EQ(KubePath(kEtcdRestores, "", ""), "/apis/etcdrestore.io/v1alpha1/etcdrestores");
  EXPECT_EQ(KubePath({"authentication.k8s.io", "v1", "tokenreviews"}, "", ""),
            "/apis/authentication.k8s.io/v1/tokenreviews");
  EXPECT_EQ(KubePath(kEtcdRestores, "a", "b/c", "status"),
            "/apis/etcdrestore.io/v1alpha1/namespaces/a/etcdrestores/b%2Fc/status");
}

}  // namespace
}  // namespace etcdrestore
