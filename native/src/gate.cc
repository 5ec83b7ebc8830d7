#include "gate.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <string_view>

namespace seamless {

Gate::Client Gate::client_of(const End& end) {
  Client client{};
  if (end.family == AF_INET) memcpy(client.data() + 4, end.address, 4);
  else if (end.family == AF_INET6) memcpy(client.data(), end.address, client.size());
  return client;
}

std::optional<Reason> Gate::enter(const Limits& limits, uint64_t now_us) {
  const uint32_t open = open_.fetch_add(1, std::memory_order_relaxed);
  const bool is_full = limits.connections != 0 && open >= limits.connections;
  if (!is_full && !is_too_fast(limits.accepts_per_second, now_us)) return std::nullopt;
  leave();
  return is_full ? Reason::service_limit : Reason::accept_rate;
}

// The generic cell rate algorithm (ITU-T I.371): up to a second's worth may come at once.
bool Gate::is_too_fast(uint32_t per_second, uint64_t now_us) {
  if (per_second == 0) return false;
  const uint64_t interval_us = std::max<uint64_t>(1'000'000 / per_second, 1);
  const uint64_t burst_us = interval_us * (per_second - 1);
  uint64_t due_us = due_us_.load(std::memory_order_relaxed);
  uint64_t next_us;
  do {
    if (due_us > now_us + burst_us) return true;
    next_us = std::max(due_us, now_us) + interval_us;
  } while (!due_us_.compare_exchange_weak(due_us, next_us, std::memory_order_relaxed));
  return false;
}

bool Gate::enter_as(const Client& client, uint32_t most) {
  const std::lock_guard lock(mutex_);
  uint32_t& open = clients_[client];
  if (open >= most) return false;
  open += 1;
  return true;
}

void Gate::leave_as(const Client& client) {
  const std::lock_guard lock(mutex_);
  const auto found = clients_.find(client);
  if (found != clients_.end() && --found->second == 0) clients_.erase(found);
}

size_t Gate::Hash::operator()(const Client& client) const {
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(client.data()), client.size()});
}

}  // namespace seamless
