#include "operator/kubernetes/scrape_guard.h"

#include "operator/base/sha256.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 5s;
constexpr auto kOwner = 1min;
constexpr auto kAllowed = 5min;
constexpr auto kDenied = 30s;
constexpr const char* kAnonymous = "system:anonymous";

Error BadAnswer(const std::string& kind) {
  return Transient("BadAnswer", "the API server answered a " + kind +
                                    " with something else: is it one of Kubernetes?");
}

/// A field of the status when it has that type.
const KubeObject* StatusField(const KubeObject& answered, const char* name,
                              KubeObject::value_t type) {
  const auto status = answered.is_object() ? answered.find("status") : answered.end();
  if (status == answered.end() || !status->is_object()) return nullptr;
  const auto field = status->find(name);
  return field != status->end() && field->type() == type ? &*field : nullptr;
}

/// Left out means false.
bool Said(const KubeObject& answered, const char* name) {
  const KubeObject* field = StatusField(answered, name, KubeObject::value_t::boolean);
  return field != nullptr && field->get<bool>();
}

bool IsReview(const KubeObject& answered, const char* kind) {
  return answered.is_object() && answered.value("kind", KubeObject()) == kind &&
         answered.value("status", KubeObject()).is_object();
}

}  // namespace

KubeObject TokenReviewOf(const Secret& token) {
  return {{"apiVersion", "authentication.k8s.io/v1"},
          {"kind", "TokenReview"},
          {"spec", {{"token", token.Reveal()}}}};
}

Result<std::optional<KubeObject>> UserIn(const KubeObject& answered) {
  if (!IsReview(answered, "TokenReview")) return BadAnswer("TokenReview");
  if (!Said(answered, "authenticated")) return std::optional<KubeObject>();
  const KubeObject* user = StatusField(answered, "user", KubeObject::value_t::object);
  if (user == nullptr) return BadAnswer("TokenReview");
  const std::string name = TextField(*user, "username");
  if (name.empty()) return BadAnswer("TokenReview");
  if (name == kAnonymous) return std::optional<KubeObject>();
  return std::optional(*user);
}

KubeObject AccessReviewOf(const KubeObject& user, const std::string& path) {
  KubeObject spec = {{"nonResourceAttributes", {{"path", path}, {"verb", "get"}}},
                     {"user", user.value("username", KubeObject())}};
  for (const char* field : {"uid", "groups", "extra"}) {
    if (user.contains(field)) spec[field] = user[field];
  }
  return {{"apiVersion", "authorization.k8s.io/v1"},
          {"kind", "SubjectAccessReview"},
          {"spec", std::move(spec)}};
}

Result<bool> AllowedIn(const KubeObject& answered) {
  if (!IsReview(answered, "SubjectAccessReview")) return BadAnswer("SubjectAccessReview");
  return Said(answered, "allowed") && !Said(answered, "denied");
}

Result<Admission> ScrapeGuard::Admit(const Call& call, const Secret& token,
                                     const std::string& path) {
  if (token.empty()) return Admission::kUnknown;
  const Call bounded = call.Within(kPatience);
  const auto owner = OwnerOf(bounded, token);
  if (!owner) return owner.error();
  if (!*owner) return Admission::kUnknown;
  const auto may = MayGet(bounded, **owner, path);
  if (!may) return may.error();
  return *may ? Admission::kAdmitted : Admission::kDenied;
}

Result<std::optional<KubeObject>> ScrapeGuard::OwnerOf(const Call& call, const Secret& token) {
  const std::string key = HexSha256(token.Reveal());
  if (auto known = owners_.Find(key, clock_.Steady())) return *std::move(known);
  const auto answered =
      api_.Write(call, {KubeVerb::kCreate, kTokenReviews, {}, "", TokenReviewOf(token)});
  if (!answered) return answered.error();
  auto user = UserIn(*answered);
  if (user) owners_.Put(key, *user, clock_.Steady() + kOwner);
  return user;
}

Result<bool> ScrapeGuard::MayGet(const Call& call, const KubeObject& user,
                                 const std::string& path) {
  const KubeObject review = AccessReviewOf(user, path);
  const std::string key = HexSha256(review.dump());
  if (const auto known = permissions_.Find(key, clock_.Steady())) return *known;
  const auto answered =
      api_.Write(call, {KubeVerb::kCreate, kSubjectAccessReviews, {}, "", review});
  if (!answered) return answered.error();
  auto allowed = AllowedIn(*answered);
  if (allowed) permissions_.Put(key, *allowed, clock_.Steady() + (*allowed ? kAllowed : kDenied));
  return allowed;
}

}  // namespace etcdrestore
