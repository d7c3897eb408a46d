#include "operator/adapters/http/object_http.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "operator/adapters/http/http_date.h"

namespace etcdrestore {
namespace {

bool Ok(const HttpResponse& response) { return response.status >= 200 && response.status < 300; }

std::optional<std::uint64_t> Number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> Length(const HttpResponse& response) {
  const auto value = response.Header("content-length");
  return value ? Number(*value) : std::nullopt;
}

/// "bytes 5-9/10" and "bytes */10"; total is missing for "bytes 5-9/*".
struct ContentRange {
  std::optional<std::uint64_t> first;
  std::optional<std::uint64_t> total;
};
ContentRange RangeOf(const HttpResponse& response) {
  const std::string value = response.Header("content-range").value_or("");
  const std::size_t slash = value.find('/');
  if (!value.starts_with("bytes ") || slash == std::string::npos) return {};
  const std::string_view text(value);
  const std::size_t dash = std::min(text.find('-'), slash);
  return {Number(text.substr(6, dash - 6)), Number(text.substr(slash + 1))};
}

SystemTime ModifiedOf(const HttpResponse& response) {
  return ParseHttpDate(response.Header("last-modified").value_or("")).value_or(SystemTime{});
}

/// What must stay the same while an object is read in several goes.
struct Identity {
  std::string etag, last_modified;
  std::optional<std::uint64_t> total;

  [[nodiscard]] bool Provable() const { return StrongTag() || !last_modified.empty(); }
  [[nodiscard]] bool StrongTag() const { return !etag.empty() && !etag.starts_with("W/"); }
};

Identity IdentityOf(const HttpResponse& response) {
  Identity identity{response.Header("etag").value_or(""),
                    response.Header("last-modified").value_or(""), Length(response)};
  if (response.status == 206) identity.total = RangeOf(response).total;
  return identity;
}

/// One download under way, over all its tries.
class Downloader {
 public:
  Downloader(const ObjectHttp& deps, const ObjectHttp::Object& object, const ByteSink& sink)
      : deps_(deps), object_(object), sink_(sink) {}

  Result<ObjectInfo> Run(const Call& call) {
    for (int failures = 0;;) {
      const std::uint64_t before = offset_;
      std::optional<Duration> asked;
      const Status done = Try(call, asked);
      if (done) return ObjectInfo{object_.key, offset_, modified_};
      if (final_) return done.error();
      if (offset_ > 0 && !identity_.Provable()) return CannotResume(done.error());
      failures = offset_ > before ? 1 : failures + 1;
      const Status next = deps_.retry.Next(call, done.error(), failures, asked);
      if (!next) return next.error();
    }
  }

 private:
  Status Try(const Call& call, std::optional<Duration>& asked) {
    HttpRequest request = object_.form(Conditions());
    request.on_headers = [this](const HttpResponse& response) { return Check(response); };
    request.sink = [this](std::string_view bytes) { return Take(bytes); };
    const Result<HttpResponse> response = deps_.http.Send(call, request);
    if (!response) return response.error();
    if (response->status == 412 || response->status == 416) return Changed("it is another object");
    if (!Ok(*response)) {
      if (const auto value = response->Header("retry-after"))
        asked = ParseRetryAfter(*value, deps_.clock.Now());
      return object_.classify(*response);
    }
    if (skip_ > 0) return Changed("it became shorter");
    if (identity_.total && offset_ != *identity_.total) {
      return Transient("ConnectionLost", object_.name + ": the server sent " +
                                             std::to_string(offset_) + " of " +
                                             std::to_string(*identity_.total) + " bytes");
    }
    return {};
  }

  [[nodiscard]] HttpHeaders Conditions() const {
    if (offset_ == 0) return {};
    HttpHeaders headers{{"Range", "bytes=" + std::to_string(offset_) + "-"}};
    if (identity_.StrongTag())
      headers.emplace_back("If-Match", identity_.etag);
    else
      headers.emplace_back("If-Unmodified-Since", identity_.last_modified);
    return headers;
  }

  /// Before the first byte of an answer: is it ours, and where does it start?
  Status Check(const HttpResponse& response) {
    if (!Ok(response)) return {};
    if (object_.accept) {
      if (Status status = object_.accept(response); !status) return final_ = true, status;
    }
    if (response.status != 200 && (response.status != 206 || offset_ == 0)) {
      final_ = true;
      return Terminal("BadRequest", object_.name + ": the server answered " +
                                        std::to_string(response.status) +
                                        " where the whole object was asked for");
    }
    const Identity now = IdentityOf(response);
    if (offset_ == 0) {
      identity_ = now;
      modified_ = ModifiedOf(response);
      skip_ = 0;
      return {};
    }
    // Compared here too: a server that ignores If-Match would otherwise join two objects.
    if (now.etag != identity_.etag || now.last_modified != identity_.last_modified)
      return Changed("its ETag or time is another");
    if (now.total != identity_.total) return Changed("its size is another");
    skip_ = response.status == 200 ? offset_ : 0;
    if (response.status == 206 && RangeOf(response).first != offset_)
      return Changed("the server sent another range than asked for");
    return {};
  }

  Status Take(std::string_view bytes) {
    const auto drop = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size()));
    skip_ -= drop;
    bytes.remove_prefix(drop);
    if (bytes.empty()) return {};
    if (identity_.total && bytes.size() > *identity_.total - offset_)
      return Changed("more bytes came than it has");
    if (Status status = sink_(bytes); !status) return final_ = true, status;
    offset_ += bytes.size();
    return {};
  }

  Error Changed(const std::string& how) {
    final_ = true;
    return Transient("ShortBody", object_.name + " changed while it was being downloaded (" + how +
                                      "), after " + std::to_string(offset_) +
                                      " bytes; download it again from the start");
  }

  Error CannotResume(const Error& error) const {
    Error out = error;
    out.message += "; " + std::to_string(offset_) +
                   " bytes had come, and the server gives neither ETag nor Last-Modified, so it "
                   "cannot be continued: download it again from the start";
    return out;
  }

  const ObjectHttp& deps_;
  const ObjectHttp::Object& object_;
  const ByteSink& sink_;
  Identity identity_;
  SystemTime modified_{};
  std::uint64_t offset_ = 0;  ///< bytes the sink has had
  std::uint64_t skip_ = 0;    ///< bytes of the present answer that it has had already
  bool final_ = false;        ///< the last error is not to be retried
};

}  // namespace

Result<HttpResponse> ObjectHttp::Ask(const Call& call, const Form& form,
                                     const Classify& classify) const {
  for (int failures = 1;; ++failures) {
    Result<HttpResponse> response = http.Send(call, form({}));
    if (response && Ok(*response)) return response;
    const Error error = response ? classify(*response) : response.error();
    std::optional<Duration> asked;
    if (response) {
      if (const auto value = response->Header("retry-after"))
        asked = ParseRetryAfter(*value, clock.Now());
    }
    if (Status next = retry.Next(call, error, failures, asked); !next) return next.error();
  }
}

Result<ObjectInfo> ObjectHttp::Look(const Call& call, const Object& object) const {
  std::optional<HttpResponse> seen;
  const auto form = [&](const HttpHeaders&) {
    HttpRequest request = object.form({{"Range", "bytes=0-0"}});
    request.on_headers = [&seen, &object](const HttpResponse& response) -> Status {
      if (!Ok(response)) return {};
      if (object.accept) {
        if (Status status = object.accept(response); !status) return status;
      }
      seen = response;
      // The server ignores Range: leave before the whole object arrives.
      if (response.status == 200) return Terminal("Enough", "seen");
      return {};
    };
    return request;
  };
  const auto classify = [&](const HttpResponse& response) {
    const bool empty = response.status == 416 && RangeOf(response).total == 0U;
    if (!empty) return object.classify(response);
    seen = response;
    return Terminal("Enough", "an empty object has no first byte");
  };
  const Result<HttpResponse> response = Ask(call, form, classify);
  if (!response && !seen) return response.error();
  const std::optional<std::uint64_t> total =
      seen->status == 200 ? Length(*seen) : RangeOf(*seen).total;
  return ObjectInfo{object.key, total.value_or(0), ModifiedOf(*seen)};
}

Result<ObjectInfo> ObjectHttp::Download(const Call& call, const Object& object,
                                        const ByteSink& sink) const {
  return Downloader(*this, object, sink).Run(call);
}

}  // namespace etcdrestore
