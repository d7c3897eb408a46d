#include "operator/adapters/ssh/session.h"

#include <fmt/format.h>
#include <libssh2.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "operator/adapters/ssh/wire.h"

namespace etcdrestore::ssh {
namespace {

Transport& TransportOf(void** abstract) { return static_cast<Session*>(*abstract)->transport(); }

ssize_t OnSend(libssh2_socket_t fd, const void* bytes, std::size_t size, int /*flags*/,
               void** abstract) {
  return TransportOf(abstract).Send(fd, bytes, size);
}

ssize_t OnRecv(libssh2_socket_t fd, void* bytes, std::size_t size, int /*flags*/, void** abstract) {
  return TransportOf(abstract).Recv(fd, bytes, size);
}

// The library sends at most one probe in two seconds by the wall clock, and does not say whether it
// did. One that was not sent must not count as unanswered.
constexpr std::chrono::milliseconds kLeastKeepalive{3000};

// Errors of one channel, after which the session still works.
bool IsChannelError(int rc) {
  constexpr std::array kOfChannel = {
      LIBSSH2_ERROR_CHANNEL_FAILURE,         LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED,
      LIBSSH2_ERROR_CHANNEL_CLOSED,          LIBSSH2_ERROR_CHANNEL_EOF_SENT,
      LIBSSH2_ERROR_CHANNEL_UNKNOWN,         LIBSSH2_ERROR_CHANNEL_OUTOFORDER,
      LIBSSH2_ERROR_CHANNEL_WINDOW_EXCEEDED, LIBSSH2_ERROR_CHANNEL_PACKET_EXCEEDED,
      LIBSSH2_ERROR_CHANNEL_WINDOW_FULL};
  return std::find(kOfChannel.begin(), kOfChannel.end(), rc) != kOfChannel.end();
}

}  // namespace

std::string Label(const NodeEndpoint& node) {
  return fmt::format("{} ({}@{}:{})", node.name, node.user, node.address, node.port);
}

Session::Session(NodeEndpoint node, UniqueFd socket, const Options& options)
    : node_(std::move(node)),
      options_(options),
      transport_(std::move(socket)),
      next_probe_(std::chrono::steady_clock::now() +
                  std::max(options.timeouts.keepalive, kLeastKeepalive)) {
  static const int ready = libssh2_init(0);
  static_cast<void>(ready);
  raw_ = libssh2_session_init_ex(nullptr, nullptr, nullptr, this);
  libssh2_session_set_blocking(raw_, 0);
  libssh2_session_callback_set2(raw_, LIBSSH2_CALLBACK_SEND,
                                reinterpret_cast<libssh2_cb_generic*>(&OnSend));
  libssh2_session_callback_set2(raw_, LIBSSH2_CALLBACK_RECV,
                                reinterpret_cast<libssh2_cb_generic*>(&OnRecv));
  libssh2_keepalive_config(raw_, 1, 1);
  // Calls have their own deadlines; the library's must never be the shorter one.
  libssh2_session_set_read_timeout(raw_, 24L * 3600);
}

Session::~Session() {
  libssh2_session_disconnect_ex(raw_, SSH_DISCONNECT_BY_APPLICATION, "done", "");
  transport_.Flush();
  // Freeing waits for answers about open channels; with the transport cut there is nothing to wait
  // for. The bound only guards against a defect of the library.
  transport_.Cut();
  for (int i = 0; i < 100 && libssh2_session_free(raw_) == LIBSSH2_ERROR_EAGAIN; ++i) continue;
}

Error Session::Lost() const {
  return Transient("ConnectionLost", "the SSH connection to node " + Label(node_) + " was lost");
}

Error Session::Failure(const std::string& doing, int rc) {
  char* text = nullptr;
  libssh2_session_last_error(raw_, &text, nullptr, 0);
  const std::string seen = text == nullptr ? "" : Printable(text);
  if (transport_.broken() || !IsChannelError(rc)) {
    transport_.Cut();
    Announce();
    return Transient("ConnectionLost", fmt::format("{}: the SSH connection to node {} was lost: {} "
                                                   "({})",
                                                   doing, Label(node_), seen, rc));
  }
  return Transient("ChannelRefused",
                   fmt::format("{} on node {}: {} ({})", doing, Label(node_), seen, rc));
}

bool Session::usable() {
  const Turn turn(*this);
  // While nobody listened the server may have gone.
  char peek = 0;
  if (!polling_ && !transport_.broken()) {
    const ssize_t got = recv(transport_.fd(), &peek, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) transport_.Cut();
  }
  return !retired_ && !transport_.broken();
}

void Session::Announce() {
  ++generation_;
  changed_.notify_all();
  if (polling_) waker_.Wake();
}

void Session::Settle() {
  transport_.Flush();
  if (!abandoned_.empty()) FreeAbandoned();
  if (transport_.received() != announced_) {
    announced_ = transport_.received();
    unanswered_since_ = SteadyTime::max();
    Announce();
  }
  if (polling_ && !polls_output_ && transport_.pending() > 0) waker_.Wake();
}

Status Session::ProbePeer() {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (now >= DeadAt()) {
    transport_.Cut();
    Announce();
    return Lost().In("no answer to keepalives");
  }
  if (now < next_probe_) return {};
  next_probe_ = now + std::max(options_.timeouts.keepalive, kLeastKeepalive);
  if (unanswered_since_ == SteadyTime::max()) unanswered_since_ = now;
  int seconds = 0;
  libssh2_keepalive_send(raw_, &seconds);
  return {};
}

SteadyTime Session::DeadAt() const {
  if (unanswered_since_ == SteadyTime::max()) return SteadyTime::max();
  return unanswered_since_ + options_.timeouts.dead_after;
}

Status Session::Wait(Turn& turn, const Call& call) {
  if (const auto over = call.Over()) return *over;
  if (Status alive = ProbePeer(); !alive) return alive;
  Settle();
  if (transport_.broken()) return Lost();
  const SteadyTime until = std::min({call.deadline, next_probe_, DeadAt()});
  if (polling_) {
    const std::uint64_t seen = generation_;
    changed_.wait_until(turn.lock_, call.stop, until,
                        [&] { return generation_ != seen || !polling_; });
  } else {
    polling_ = true;
    polls_output_ = transport_.pending() > 0;
    const auto events = static_cast<short>(POLLIN | (polls_output_ ? POLLOUT : 0));
    turn.lock_.unlock();
    SleepOn(transport_.fd(), events, waker_, call, until);
    turn.lock_.lock();
    polling_ = false;
    transport_.Flush();
    // Another waiter must take over the socket when this one goes away.
    ++generation_;
    changed_.notify_all();
  }
  if (const auto over = call.Over()) return *over;
  return {};
}

Result<int> Session::Until(Turn& turn, const Call& call, const std::function<int()>& step) {
  while (true) {
    const int rc = step();
    if (rc != LIBSSH2_ERROR_EAGAIN) return rc;
    if (Status waited = Wait(turn, call); !waited) return waited.error();
  }
}

Result<_LIBSSH2_CHANNEL*> Session::OpenChannel(const Call& call) {
  Turn turn(*this);
  while (!retired_ && (starting_ || open_ >= most_open_)) {
    if (open_ >= most_open_ && abandoned_.size() == open_) {
      retired_ = true;
      Announce();
      return Transient("ChannelRefused", "all channels to node " + Label(node_) +
                                             " are held by programs that do not end");
    }
    if (Status waited = Wait(turn, call); !waited) return waited.error();
  }
  if (retired_) return Lost();
  starting_ = true;
  LIBSSH2_CHANNEL* channel = nullptr;
  const auto ask = [&] {
    channel = libssh2_channel_open_session(raw_);
    return channel != nullptr ? 0 : libssh2_session_last_errno(raw_);
  };
  const Call bounded = call.Within(options_.timeouts.channel);
  auto opened = Until(turn, bounded, ask);
  // OpenSSH counts a channel that was closed just before as open until it has answered.
  if (opened && *opened == LIBSSH2_ERROR_CHANNEL_FAILURE) opened = Until(turn, bounded, ask);
  if (opened && *opened == 0) {
    ++open_;
    return channel;
  }
  starting_ = false;
  // The answer may still come, and would be taken for somebody else's.
  retired_ = retired_ || !opened;
  Announce();
  if (!opened) {
    if (call.Over()) return opened.error();
    return Lost().In("open a channel: " + opened.error().message);
  }
  Error refused = Failure("open a channel", *opened);
  if (refused.reason != "ChannelRefused") return refused;
  retired_ = open_ == abandoned_.size();
  if (!retired_) most_open_ = open_;
  return refused;
}

Status Session::Start(Turn& turn, const Call& call, _LIBSSH2_CHANNEL* channel,
                      const std::string& line) {
  auto started = Until(turn, call, [&] {
    return libssh2_channel_process_startup(channel, "exec", 4, line.data(),
                                           static_cast<unsigned>(line.size()));
  });
  starting_ = false;
  // As above: an answer that nobody waits for any more spoils the session for new commands.
  retired_ = retired_ || !started;
  Announce();
  if (!started) return started.error();
  if (*started != 0) return Failure("run a command", *started);
  return {};
}

void Session::Release(Turn& /*turn*/, _LIBSSH2_CHANNEL* channel, bool ended) {
  if (!ended && !transport_.broken()) {
    // Before the end of input that closing implies, so that where the server passes it on a
    // `cat > file` does not take a broken stream for a whole one.
    libssh2_channel_signal_ex(channel, "TERM", 4);
  }
  abandoned_.push_back(channel);
  FreeAbandoned();
  Announce();
}

void Session::FreeAbandoned() {
  std::erase_if(abandoned_, [this](LIBSSH2_CHANNEL* channel) {
    if (libssh2_channel_free(channel) == LIBSSH2_ERROR_EAGAIN) return false;
    --open_;
    return true;
  });
}

}  // namespace etcdrestore::ssh
