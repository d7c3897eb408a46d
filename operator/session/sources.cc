#include "operator/session/sources.h"

#include "operator/adapters/http/s3_store.h"
#include "operator/adapters/http/url_store.h"
#include "operator/adapters/sources/file_store.h"

namespace etcdrestore {
namespace {

/// A store that says nothing for so long is asked anew; six such tries are what a person waits for.
constexpr std::chrono::seconds kSilence{15};

Result<std::string> Text(const Values& values, const std::optional<ValueRef>& reference) {
  if (!reference) return std::string();
  auto value = values.Resolve(*reference);
  if (!value) return value.error();
  return value->Reveal();
}

Result<Secret> KeyOf(const Values& values, ValueRef reference, const char* key) {
  reference.key = key;
  return values.Resolve(reference);
}

/// The keys of a whole-Secret reference.
Result<AwsCredentials> Credentials(const Values& values, const std::optional<ValueRef>& reference) {
  AwsCredentials credentials;
  if (!reference) return credentials;
  auto access = KeyOf(values, *reference, "accessKeyID");
  if (!access) return access.error();
  auto secret = KeyOf(values, *reference, "secretAccessKey");
  if (!secret) return secret.error();
  credentials.access_key = access->Reveal();
  credentials.secret_key = *secret;
  ValueRef token = *reference;
  token.key = "sessionToken";
  if (auto session = values.Resolve(token)) credentials.session_token = *session;
  return credentials;
}

Result<SnapshotSource> Open(const S3SourceSpec& spec, const Values& values, const Clock& clock) {
  S3Options options;
  options.endpoint = spec.endpoint;
  options.region = spec.region;
  options.bucket = spec.bucket;
  options.force_path_style = spec.force_path_style;
  auto credentials = Credentials(values, spec.credentials);
  if (!credentials) return credentials.error();
  options.credentials = std::move(*credentials);
  auto ca = Text(values, spec.ca);
  if (!ca) return ca.error();
  options.http.tls.ca_pem = *ca;
  options.http.idle_timeout = kSilence;
  auto store = S3Store::Open(std::move(options), clock);
  if (!store) return store.error();
  // A node does not know a private CA; there the snapshot is relayed.
  return SnapshotSource{std::move(*store), spec.prefix, !spec.ca};
}

Result<SnapshotSource> Open(const HttpSourceSpec& spec, const Values& values, const Clock& clock) {
  HttpOptions options;
  auto ca = Text(values, spec.ca);
  if (!ca) return ca.error();
  options.tls.ca_pem = *ca;
  options.idle_timeout = kSilence;
  auto store = UrlStore::Open(Secret(spec.url), std::move(options), clock);
  if (!store) return store.error();
  return SnapshotSource{std::move(*store), "", !spec.ca};
}

const char* KindOf(const SourceSpec& source) {
  if (std::holds_alternative<S3SourceSpec>(source)) return "s3";
  if (std::holds_alternative<HttpSourceSpec>(source)) return "http";
  return std::holds_alternative<NodesSourceSpec>(source) ? "nodes" : "file";
}

/// Tells of the bytes that are read from another store.
class CountedStore final : public ObjectStore {
 public:
  CountedStore(std::unique_ptr<ObjectStore> store, std::function<void(std::uint64_t)> read)
      : store_(std::move(store)), read_(std::move(read)) {}

  Result<std::vector<ObjectInfo>> List(const Call& call, const std::string& prefix) override {
    return store_->List(call, prefix);
  }
  Result<ObjectInfo> Head(const Call& call, const std::string& key) override {
    return store_->Head(call, key);
  }
  Result<ObjectInfo> Get(const Call& call, const std::string& key, const ByteSink& sink) override {
    return store_->Get(call, key, [&](std::string_view bytes) {
      read_(bytes.size());
      return sink(bytes);
    });
  }
  Result<Secret> Presign(const std::string& key, std::chrono::seconds validity,
                         SystemTime now) override {
    return store_->Presign(key, validity, now);
  }
  [[nodiscard]] std::string Describe() const override { return store_->Describe(); }

 private:
  std::unique_ptr<ObjectStore> store_;
  std::function<void(std::uint64_t)> read_;
};

}  // namespace

Result<std::vector<SnapshotSource>> OpenSources(const Call& /*call*/, const Values& values,
                                                const EtcdRestoreSpec& spec, const Clock& clock,
                                                const std::vector<SnapshotNode>& nodes,
                                                RunMeter& meter) {
  std::vector<SnapshotSource> sources;
  for (const SourceSpec& source : spec.sources) {
    Result<SnapshotSource> opened = SnapshotSource{};
    if (const auto* s3 = std::get_if<S3SourceSpec>(&source)) opened = Open(*s3, values, clock);
    if (const auto* http = std::get_if<HttpSourceSpec>(&source))
      opened = Open(*http, values, clock);
    if (const auto* on_nodes = std::get_if<NodesSourceSpec>(&source))
      opened = SnapshotSource{MakeNodesStore(nodes, on_nodes->directory), "", false};
    if (const auto* file = std::get_if<FileSourceSpec>(&source))
      opened = SnapshotSource{MakeFileStore(file->path), "", false};
    if (!opened) return opened.error();
    const char* kind = KindOf(source);
    opened->store = std::make_unique<CountedStore>(
        std::move(opened->store),
        [&meter, kind](std::uint64_t bytes) { meter.OnDownloaded(kind, bytes); });
    opened->on_damaged = [&meter, kind] { meter.OnBadSnapshot(kind); };
    sources.push_back(std::move(*opened));
  }
  return sources;
}

}  // namespace etcdrestore
