#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "counters.h"
#include "gate.h"
#include "table.h"

namespace seamless {

// Counts the connections of all listeners against the engine's limit.
class Budget {
 public:
  explicit Budget(int64_t most) : most_(most) {}

  bool take() {
    if (open_.fetch_add(1, std::memory_order_relaxed) < most_) return true;
    give_back();
    return false;
  }
  void give_back() { open_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  const int64_t most_;
  std::atomic<int64_t> open_{0};
};

// What can be set per listener, at any time. 0: no limit, unless another meaning is given.
struct Settings {
  uint64_t connect_timeout_ms = 0;
  uint32_t max_attempts = 1;
  // Silence, in both directions, that ends a connection; the second one of those that have ended in one direction.
  uint64_t idle_timeout_ms = 0;
  uint64_t half_close_timeout_ms = 0;
  // Version of the PROXY protocol that backends are told the client by.
  uint32_t send_proxy = 0;
  // Clients of these networks are proxies, which say by it whom they speak for.
  std::vector<Network> proxies;
  Gate::Limits limits;
};

class Listener;

// A listening socket of a listener, shared by all threads.
struct Entrance {
  Listener& listener;
  const int fd;
};

// Some listening sockets with one table, which all threads use. What is not const is atomic, or of one thread only.
class Listener {
 public:
  Listener(uint32_t id, const Settings& settings, Slot totals, Budget& budget)
      : id_(id), totals_(totals), budget_(budget) {
    configure(settings);
    swap(std::make_unique<const Table>(Table::Content{}));
  }

  uint32_t id() const { return id_; }
  const Settings& settings() const { return *settings_.load(std::memory_order_acquire); }
  // A thread may use the settings before for long, so they are kept; changes are few. By one thread.
  void configure(const Settings& settings) {
    kept_.push_back(std::make_unique<const Settings>(settings));
    settings_.store(kept_.back().get(), std::memory_order_release);
  }

  // By one thread.
  std::vector<std::unique_ptr<Entrance>>& entrances() { return entrances_; }
  Gate& gate() { return gate_; }
  const Slot& totals() const { return totals_; }
  Budget& budget() const { return budget_; }

  bool is_paused() const { return paused_.load(std::memory_order_acquire); }
  void set_paused(bool paused) { paused_.store(paused, std::memory_order_release); }
  // Nobody waits any more, and who has no target left is refused.
  bool is_closing() const { return closing_.load(std::memory_order_acquire); }
  void set_closing() { closing_.store(true, std::memory_order_release); }

  // A thread may use it until its next turn, or what it has adopted by then.
  const Table& table() const { return *table_.load(std::memory_order_acquire); }

  // The target of the next new connection; nullptr if there is none.
  const Target* take(const std::function<uint32_t()>& client_hash) const {
    for (;;) {
      const Table::Turn turn = table().take(client_hash);
      if (!turn.is_closed) return turn.target;
      // The next table is there in a moment.
      std::this_thread::yield();
    }
  }

  // Puts a table in force and answers the one before, which is to live until no thread uses it any more. By one thread.
  std::shared_ptr<const Table> swap(std::shared_ptr<const Table> next) {
    owned_.swap(next);
    table_.store(owned_.get(), std::memory_order_release);
    return next;
  }

 private:
  const uint32_t id_;
  const Slot totals_;
  Budget& budget_;
  std::vector<std::unique_ptr<Entrance>> entrances_;
  std::vector<std::unique_ptr<const Settings>> kept_;
  std::atomic<const Settings*> settings_{nullptr};
  Gate gate_;
  std::shared_ptr<const Table> owned_;
  std::atomic<const Table*> table_{nullptr};
  std::atomic<bool> paused_{false};
  std::atomic<bool> closing_{false};
};

}  // namespace seamless
