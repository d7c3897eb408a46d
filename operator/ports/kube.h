#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "operator/base/call.h"
#include "operator/base/result.h"

namespace etcdrestore {

using KubeObject = nlohmann::ordered_json;

/// A member that is text; "" when there is none, it is something else, or `object` is no object.
std::string TextField(const KubeObject& object, const char* name);

/// The same for a whole number; 0 for none, and for one that no int holds.
int IntField(const KubeObject& object, const char* name);

/// The same for an object; an empty one for none.
KubeObject ObjectField(const KubeObject& object, const char* name);

/// One kind of object, as it stands in paths of the API.
struct KubeType {
  std::string group;  ///< "" for the core group
  std::string version;
  std::string plural;
  std::string kind = {};  ///< "": not needed, for what is never watched
  [[nodiscard]] std::string ApiVersion() const {
    return group.empty() ? version : group + "/" + version;
  }
  bool operator==(const KubeType&) const = default;
};

inline const KubeType kEtcdRestores{"etcdrestore.io", "v1alpha1", "etcdrestores", "EtcdRestore"};
inline const KubeType kSecrets{"", "v1", "secrets", "Secret"};
inline const KubeType kConfigMaps{"", "v1", "configmaps", "ConfigMap"};
inline const KubeType kLeases{"coordination.k8s.io", "v1", "leases", "Lease"};
inline const KubeType kEvents{"events.k8s.io", "v1", "events", "Event"};

struct KubeName {
  std::string name_space;
  std::string name;
  /// namespace/name, as people and queues spell it.
  [[nodiscard]] std::string Key() const { return name_space + "/" + name; }
  static KubeName FromKey(const std::string& key) {
    const std::size_t slash = key.find('/');
    return {key.substr(0, slash), key.substr(slash + 1)};
  }
  auto operator<=>(const KubeName&) const = default;
};

struct KubeListOptions {
  std::string resource_version;  ///< "" for a consistent read, "0" for anything the server has
  int page = 500;                ///< most objects a page; 0: all at once
};
struct KubeListEnd {
  std::string resource_version;
  bool paged = false;  ///< it came in more than one page
};

enum class KubeEventType { kAdded, kModified, kDeleted, kBookmark };
struct KubeEvent {
  KubeEventType type = KubeEventType::kAdded;
  KubeObject object;
  bool initial_end = false;  ///< the bookmark after the last of the initial events
};
struct KubeWatchOptions {
  std::string resource_version;
  std::chrono::seconds timeout{300};  ///< the server ends the stream then
  /// The stream begins with what there is, not older than the version ("": the newest state), and
  /// says when that is all: a list without a list. Errors for servers that cannot do it: Invalid,
  /// BadRequest, or InitialEventsLate after half a minute.
  bool initial_events = false;
};

enum class KubeVerb {
  kCreate,   ///< error AlreadyExists
  kReplace,  ///< guarded by the body's resourceVersion: error Conflict
  kApply,    ///< server-side apply by field manager etcdrestore, with force
  kMerge,    ///< JSON merge patch
  kDelete,   ///< the body may hold preconditions; gone already is done
};
struct KubeWrite {
  KubeVerb verb = KubeVerb::kApply;
  KubeType type;
  KubeName name;
  std::string subresource;  ///< "status" or ""
  KubeObject body;
};

/// The API server of the management cluster. Thread safe; a watch occupies its thread.
///
/// Errors carry the server's own reason where it gave one: NotFound, AlreadyExists, Conflict,
/// Expired (410), Invalid, Forbidden, Unauthorized, TooManyRequests, ResourceVersionTooLarge; else
/// those of the transport: Unavailable, Timeout, ConnectionLost, BadAnswer. NotFound is the
/// server's word alone; a 404 of a proxy, or of a server that does not know the kind, is a
/// BadAnswer. What a person must change is terminal, the rest transient. Answers with Retry-After
/// are waited for within the call, those to a list or a watch too.
class KubeApi {
 public:
  virtual ~KubeApi() = default;
  virtual Result<KubeObject> Get(const Call& call, const KubeType& type, const KubeName& name) = 0;
  /// Objects one by one as they arrive, pages as one list; the whole is never in memory. Namespace
  /// "" is all of them. After an error some items may have been given. Error PageExpired
  /// (transient) when the server forgot what the first page began: only a list in one piece may
  /// help.
  virtual Result<KubeListEnd> List(const Call& call, const KubeType& type,
                                   const std::string& name_space, const KubeListOptions& options,
                                   const std::function<void(KubeObject)>& item) = 0;
  /// Returns when the stream ends: done when the server closed it, Expired when it must be listed
  /// anew. Events of unknown type or of another kind of object are logged and left out.
  virtual Status Watch(const Call& call, const KubeType& type, const std::string& name_space,
                       const KubeWatchOptions& options,
                       const std::function<void(KubeEvent)>& event) = 0;
  /// The object as the server now has it; null for kDelete.
  virtual Result<KubeObject> Write(const Call& call, const KubeWrite& write) = 0;
};

}  // namespace etcdrestore
