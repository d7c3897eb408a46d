#pragma once

#include <string>

#include "operator/base/clock.h"
#include "operator/base/result.h"

namespace etcdrestore {

/// What an engineer has at hand.
struct InitOptions {
  std::string config;        ///< path of rancher-cluster.yml
  std::string name;          ///< of the object; "" for "<cluster>-restore"
  std::string cluster_name;  ///< "" for cluster_name of the file, else its file name
  std::string snapshot;      ///< "" for the newest that verifies
  std::string s3;            ///< s3://bucket/prefix, or https://endpoint/bucket/prefix
  std::string region;
  std::string known_hosts;  ///< path; "" for ~/.ssh/known_hosts
  std::string strategy = "Auto";
};

/// The manifest as YAML text: the EtcdRestore with a runID made of `now`, and the Secrets and
/// ConfigMaps it refers to (cluster.yml, the rkestate beside it, SSH keys, known hosts, S3 keys
/// from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY). Holds secrets: write it with mode 0600.
/// Errors name the missing file or variable.
Result<std::string> MakeManifest(const InitOptions& options, SystemTime now);

}  // namespace etcdrestore
