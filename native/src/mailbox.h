#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

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
};

enum class EventType : uint8_t {
  connect_failed,     // slot, number: errno (0: no address), more: failures since the last success
  connect_recovered,  // slot
  refused,            // reason
  held,               // number: id of the connection, more: for how many ms already, reason, generation
  held_left,          // number: id of a held connection whose client is gone
  held_connected,     // a connection that was held has found a target
  drained,            // slot: a thread has no connection of this retired target left
  emptied,            // a thread has no connection of this closing listener left
  adopted,            // number: a table of this generation and all before it are used by a thread no more
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
};

// What the threads have to tell. One wake-up announces everything that is told until it is collected.
class Mailbox {
 public:
  // Called by any thread; must not block.
  explicit Mailbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  void post(const Event& event) {
    {
      const std::lock_guard lock(mutex_);
      if (events_.size() >= kMostReports && is_mere_report(event.type)) return;
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
  // In a flood, what is only to be logged is counted and not told.
  static constexpr size_t kMostReports = 4096;
  static bool is_mere_report(EventType type) {
    return type == EventType::connect_failed || type == EventType::refused;
  }

  std::function<void()> wake_;
  std::mutex mutex_;
  std::vector<Event> events_;
};

}  // namespace seamless
