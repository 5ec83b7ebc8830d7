#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "proxy_header.h"

namespace seamless {

// Why a client was reset, or has to wait. The order is known to native-events.ts, as that of EventType.
enum class Reason : uint8_t {
  connection_limit,
  descriptors,
  no_backend,
  paused,
  service_limit,
  client_limit,
  accept_rate,
  proxy_header,
  hold_limit,
  hold_expired,
};

// What ends a connection. The first five end established ones; the order is known to native-events.ts.
enum class Cause : uint8_t {
  client,
  backend,
  drain,
  idle,
  shutdown,
  left_early,
  connect_failed,
  hold_expired,
  limit,
};

enum class EventType : uint8_t {
  connect_failed,     // of, slot, number: errno (0: no address), more: failures since the last success, tried
  connect_recovered,  // slot
  refused,            // of, reason
  held,               // number: id of the connection, more: for how many ms already, reason, generation
  held_left,          // number: id of a held connection whose client is gone
  held_connected,     // a connection that was held has found a target
  drained,            // slot: a thread has no connection of this retired target left
  emptied,            // a thread has no connection of this closing listener left
  adopted,            // number: a table of this generation and all before it are used by a thread no more
  ended,              // of, slot, number: cause, more: 1 if the target was connected, account; only if they are wanted
};

// A connection, for the log.
struct Caller {
  // Unique in the engine.
  uint64_t number = 0;
  End client;
};

// How a connection went. Until it was open, and from then on.
struct Account {
  uint64_t wait_ms = 0;
  uint64_t open_ms = 0;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
};

struct Event {
  EventType type;
  uint32_t listener;
  uint32_t slot = 0;
  Reason reason = Reason::no_backend;
  size_t thread = 0;
  uint64_t number = 0;
  uint64_t more = 0;
  uint64_t generation = 0;
  Caller of{};
  // The last address of a target that failed.
  End tried{};
  Account account{};
};

// What the threads have to tell. One wake-up announces everything that is told until it is collected.
class Mailbox {
 public:
  // Called by any thread; must not block.
  Mailbox(bool wants_ends, std::function<void()> wake) : wants_ends_(wants_ends), wake_(std::move(wake)) {}

  // Whether anybody wants to know how each connection ended.
  bool wants_ends() const { return wants_ends_; }

  void post(const Event& event) {
    {
      const std::lock_guard lock(mutex_);
      if (events_.size() >= kMostReports && may_be_left_out(event)) return;
      events_.push_back(event);
      if (events_.size() > 1) return;
    }
    wake_();
  }

  std::vector<Event> collect() {
    const std::lock_guard lock(mutex_);
    return std::exchange(events_, {});
  }

 private:
  // In a flood, what is only to be logged is counted and not told. What the proxy itself ends is no flood: that many were
  // open, and they end at once while the one who collects waits for it.
  static constexpr size_t kMostReports = 4096;
  static bool may_be_left_out(const Event& event) {
    if (event.type == EventType::ended) {
      const auto cause = static_cast<Cause>(event.number);
      return cause != Cause::drain && cause != Cause::shutdown;
    }
    return event.type == EventType::connect_failed || event.type == EventType::refused;
  }

  const bool wants_ends_;
  std::function<void()> wake_;
  std::mutex mutex_;
  std::vector<Event> events_;
};

}  // namespace seamless
