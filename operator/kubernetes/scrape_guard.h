#pragma once

#include <optional>
#include <string>

#include "operator/base/secret.h"
#include "operator/kubernetes/expiring_cache.h"
#include "operator/ports/kube.h"

namespace etcdrestore {

inline const KubeType kTokenReviews{"authentication.k8s.io", "v1", "tokenreviews"};
inline const KubeType kSubjectAccessReviews{"authorization.k8s.io", "v1", "subjectaccessreviews"};

/// Asks whose token it is. Pure.
KubeObject TokenReviewOf(const Secret& token);
/// The user of a TokenReview that was answered: username, uid, groups, extra. nullopt when the
/// server does not know the token, or says that it is anybody's. Error BadAnswer. Pure.
Result<std::optional<KubeObject>> UserIn(const KubeObject& answered);
/// Asks whether the user may get a path. Pure.
KubeObject AccessReviewOf(const KubeObject& user, const std::string& path);
/// What a SubjectAccessReview that was answered allows. Error BadAnswer. Pure.
Result<bool> AllowedIn(const KubeObject& answered);

enum class Admission {
  kAdmitted,
  kUnknown,  ///< no token, or one of nobody
  kDenied,   ///< known, and may not
};

/// Who may read a path of ours, by the roles of the cluster: a TokenReview, then a
/// SubjectAccessReview. Both are reads by nature, so the API it borrows must not be fenced: a
/// process that does not lead is scraped too. One thread at a time.
///
/// A token's owner is remembered for a minute, a permission for five, a denial for half a minute;
/// under hashes, so that no token is kept.
class ScrapeGuard {
 public:
  ScrapeGuard(KubeApi& api, const Clock& clock) : api_(api), clock_(clock) {}
  /// Takes five seconds at the most. An error is that of the API, BadAnswer or DeadlineExceeded:
  /// then nobody knows, and nothing is remembered.
  Result<Admission> Admit(const Call& call, const Secret& token, const std::string& path);

 private:
  Result<std::optional<KubeObject>> OwnerOf(const Call& call, const Secret& token);
  Result<bool> MayGet(const Call& call, const KubeObject& user, const std::string& path);

  KubeApi& api_;
  const Clock& clock_;
  ExpiringCache<std::optional<KubeObject>> owners_{1000};  ///< by the token's SHA-256
  ExpiringCache<bool> permissions_{1000};                  ///< by the question's SHA-256
};

}  // namespace etcdrestore
