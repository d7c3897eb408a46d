#include "operator/runtime/work_queue.h"

#include <algorithm>

namespace etcdrestore {

using namespace std::chrono_literals;

void QueueState::Push(const std::string& key, Urgency urgency) {
  (urgency == Urgency::kLow ? low_ : ready_).push_back(key);
}

void QueueState::Ready(const std::string& key, const Waiting& waiting) {
  parked_.erase(key);
  const auto [known, fresh] = dirty_.try_emplace(key, waiting);
  const bool raised =
      !fresh && known->second.urgency == Urgency::kLow && waiting.urgency == Urgency::kNormal;
  known->second.lane = waiting.lane;
  if (raised) known->second.urgency = Urgency::kNormal;
  if (fresh) ++adds_;
  // A known key is in ready_ or low_ already, or comes there when it is done.
  if ((fresh || raised) && !busy_.contains(key)) Push(key, waiting.urgency);
}

void QueueState::Add(const std::string& key, const std::string& lane, SteadyTime now,
                     Urgency urgency) {
  delayed_.erase(key);
  Ready(key, {lane, now, urgency});
}

bool QueueState::StandsLow(const std::string& key) const {
  const auto waiting = dirty_.find(key);
  return waiting != dirty_.end() && waiting->second.urgency == Urgency::kLow &&
         !busy_.contains(key);
}

std::optional<std::string> QueueState::NextReady() {
  auto& from = ready_.empty() ? low_ : ready_;
  while (!low_.empty() && !StandsLow(low_.front())) low_.pop_front();
  if (from.empty()) return std::nullopt;
  std::string key = std::move(from.front());
  from.pop_front();
  return key;
}

std::size_t QueueState::depth() const {
  const auto waits = std::count_if(dirty_.begin(), dirty_.end(),
                                   [this](const auto& one) { return !busy_.contains(one.first); });
  return static_cast<std::size_t>(waits) + parked_.size();
}

void QueueState::AddAt(const std::string& key, const std::string& lane, SteadyTime due,
                       SteadyTime now) {
  ++retries_;
  if (due <= now) return Add(key, lane, now);
  if (dirty_.contains(key)) return;
  const auto [known, fresh] = delayed_.try_emplace(key, due, lane);
  if (!fresh) known->second = {std::min(known->second.first, due), lane};
}

void QueueState::AddFailed(const std::string& key, const std::string& lane, SteadyTime now) {
  const int failures = failures_[key]++;
  const Duration pause = std::min<Duration>(5ms * (1LL << std::min(failures, 18)), 1000s);
  AddAt(key, lane, now + std::chrono::duration_cast<SteadyTime::duration>(pause), now);
}

void QueueState::Wake(SteadyTime now) {
  for (auto it = delayed_.begin(); it != delayed_.end();) {
    if (it->second.first > now) {
      ++it;
      continue;
    }
    const auto [key, due] = *it;
    it = delayed_.erase(it);
    Ready(key, {due.second, due.first, Urgency::kNormal});
  }
}

std::optional<WorkItem> QueueState::Take(SteadyTime now) {
  Wake(now);
  const auto next = NextReady();
  if (!next) return std::nullopt;
  const std::string& key = *next;
  const Waiting waiting = dirty_.at(key);
  dirty_.erase(key);
  WorkItem item{key, waiting.lane, "", waiting.added};
  const auto held = lanes_.find(item.lane);
  if (held != lanes_.end()) {
    item.held_by = held->second;
    parked_[key] = held->second;
  } else {
    lanes_[item.lane] = key;
  }
  busy_[key] = {item.lane, now};
  return item;
}

bool QueueState::Holds(const std::string& key, const std::string& lane) const {
  const auto held = lanes_.find(lane);
  return held != lanes_.end() && held->second == key;
}

void QueueState::Done(const std::string& key, SteadyTime now) {
  const auto busy = busy_.find(key);
  if (busy == busy_.end()) return;
  const std::string lane = busy->second.lane;
  busy_.erase(busy);
  const bool held_it = Holds(key, lane);
  if (held_it) lanes_.erase(lane);
  if (const auto again = dirty_.find(key); again != dirty_.end()) Push(key, again->second.urgency);
  // Told to wait for a holder that has ended meanwhile: nobody else would hand it out again.
  const auto parked = parked_.find(key);
  if (parked != parked_.end() && !Holds(parked->second, lane))
    Ready(key, {lane, now, Urgency::kNormal});
  if (!held_it) return;
  std::vector<std::string> freed;
  for (const auto& [waiting, holder] : parked_) {
    if (holder == key && !busy_.contains(waiting)) freed.push_back(waiting);
  }
  for (const std::string& waiting : freed) Ready(waiting, {lane, now, Urgency::kNormal});
}

std::optional<SteadyTime> QueueState::NextDue() const {
  const bool low = std::any_of(low_.begin(), low_.end(),
                               [this](const std::string& key) { return StandsLow(key); });
  if (!ready_.empty() || low) return SteadyTime::min();
  std::optional<SteadyTime> next;
  for (const auto& [key, due] : delayed_) next = next ? std::min(*next, due.first) : due.first;
  return next;
}

int QueueState::failures(const std::string& key) const {
  const auto found = failures_.find(key);
  return found == failures_.end() ? 0 : found->second;
}

QueueNumbers QueueState::Numbers(SteadyTime now) const {
  QueueNumbers numbers{depth(), adds_, retries_, busy_.size(), {}, {}};
  for (const auto& [key, busy] : busy_) {
    const Duration took = now - busy.since;
    numbers.unfinished += took;
    numbers.longest = std::max(numbers.longest, took);
  }
  return numbers;
}

void WorkQueue::Add(const std::string& key, const std::string& lane, Urgency urgency) {
  const std::lock_guard lock(mutex_);
  state_.Add(key, lane, clock_.Steady(), urgency);
  wake_.notify_one();
}

void WorkQueue::AddAfter(const std::string& key, const std::string& lane, Duration pause) {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.Steady();
  state_.AddAt(key, lane, now + std::chrono::duration_cast<SteadyTime::duration>(pause), now);
  wake_.notify_one();
}

void WorkQueue::AddFailed(const std::string& key, const std::string& lane) {
  const std::lock_guard lock(mutex_);
  state_.AddFailed(key, lane, clock_.Steady());
  wake_.notify_one();
}

void WorkQueue::Forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  state_.Forget(key);
}

std::optional<WorkItem> WorkQueue::Take(const Call& call) {
  std::unique_lock lock(mutex_);
  std::optional<WorkItem> item;
  while (!call.stop.stop_requested()) {
    item = state_.Take(clock_.Steady());
    if (item) break;
    Wait(lock, call);
  }
  // This one may have been the only one to hear of an earlier time, and will not keep it.
  wake_.notify_one();
  return item;
}

void WorkQueue::Wait(std::unique_lock<std::mutex>& lock, const Call& call) {
  const auto due = state_.NextDue();
  const auto over = [&] {
    const auto next = state_.NextDue();
    return next != due || (next && *next <= clock_.Steady());
  };
  if (due) {
    wake_.wait_until(lock, call.stop, *due, over);
  } else {
    wake_.wait(lock, call.stop, over);
  }
}

void WorkQueue::Done(const std::string& key) {
  const std::lock_guard lock(mutex_);
  state_.Done(key, clock_.Steady());
  wake_.notify_all();
}

std::optional<SteadyTime> WorkQueue::NextDue() const {
  const std::lock_guard lock(mutex_);
  return state_.NextDue();
}

QueueNumbers WorkQueue::Numbers() const {
  const std::lock_guard lock(mutex_);
  return state_.Numbers(clock_.Steady());
}

}  // namespace etcdrestore
