#include "operator/adapters/kube/requester.h"

#include <algorithm>

#include "operator/adapters/kube/api_error.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

constexpr auto kLongestPause = 30s;
constexpr std::size_t kMostWarnings = 256;

std::optional<Duration> AskedPause(const HttpResponse& response, SystemTime now) {
  const auto header = response.Header("retry-after");
  const auto pause = header ? ParseRetryAfter(*header, now) : std::nullopt;
  return pause ? std::optional(std::min<Duration>(*pause, kLongestPause)) : std::nullopt;
}

}  // namespace

Result<HttpResponse> Requester::Ask(const Call& call, Duration each, const Form& form,
                                    const std::string& doing) {
  for (int failures = 1;; ++failures) {
    const HttpRequest request = form();
    Attempt attempt = Once(call.Within(each), request, doing);
    if (attempt.response) return std::move(attempt.response);
    const Error& error = attempt.response.error();
    const bool broken = error.reason == "ConnectionLost" || error.reason == "Timeout";
    // What a sink was given cannot be taken back. A refusal never reaches it.
    const bool whole = broken && request.method == "GET" && !request.sink;
    if (!attempt.asked && !whole) return error;
    if (Status next = options_.retry.Next(call, error, failures, attempt.asked); !next)
      return next.error();
    Retried(attempt, request);
  }
}

Requester::Attempt Requester::Once(const Call& call, const HttpRequest& request,
                                   const std::string& doing) {
  Attempt first = Send(call, request, doing);
  if (first.code != "401") return first;
  Retried(first, request);
  return Send(call, request, doing);
}

Requester::Attempt Requester::Send(const Call& call, const HttpRequest& request,
                                   const std::string& doing) {
  auto current = credentials_.Get(call);
  if (!current) return {current.error().In(doing), "", {}};
  HttpRequest one = request;
  one.headers.emplace_back("Accept", "application/json");
  if (!current->token.empty())
    one.headers.emplace_back("Authorization", "Bearer " + current->token.Reveal());
  const SteadyTime start = clock_.Steady();
  auto response = current->http->Send(call, one);
  const std::chrono::duration<double> took = clock_.Steady() - start;
  const std::string code = response ? std::to_string(response->status) : "<error>";
  if (options_.observe) options_.observe(code, request.method, took.count());
  if (!response) return {response.error().In(doing), code, {}};
  Warn(*response);
  if (response->status >= 200 && response->status < 300) return {std::move(response), code, {}};
  if (response->status == 401) credentials_.Refuse(*current);
  return {ApiError(doing, *response), code, AskedPause(*response, clock_.Now())};
}

/// A server repeats its warnings with each answer.
void Requester::Warn(const HttpResponse& response) {
  for (const auto& [name, text] : response.headers) {
    if (name != "warning" || !options_.warn) continue;
    {
      const std::lock_guard lock(mutex_);
      if (warned_.size() >= kMostWarnings) warned_.clear();
      if (!warned_.insert(text).second) continue;
    }
    options_.warn(text);
  }
}

void Requester::Retried(const Attempt& attempt, const HttpRequest& request) const {
  if (options_.retried) options_.retried(attempt.code, request.method);
}

}  // namespace etcdrestore
