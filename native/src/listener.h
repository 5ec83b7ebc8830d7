#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "counters.h"
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

// One listening socket, shared by all threads, with its table. What is not const is atomic.
class Listener {
 public:
  struct Options {
    uint64_t connect_timeout_ms;
    uint32_t max_attempts;
  };

  Listener(uint32_t id, int fd, Options options, Slot totals, Budget& budget)
      : id_(id), fd_(fd), options_(options), totals_(totals), budget_(budget) {
    swap(std::make_unique<const Table>(Table::Content{}));
  }

  uint32_t id() const { return id_; }
  int fd() const { return fd_; }
  const Options& options() const { return options_; }
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
  const Target* take() const {
    for (;;) {
      const Table::Turn turn = table().take();
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
  const int fd_;
  const Options options_;
  const Slot totals_;
  Budget& budget_;
  std::shared_ptr<const Table> owned_;
  std::atomic<const Table*> table_{nullptr};
  std::atomic<bool> paused_{false};
  std::atomic<bool> closing_{false};
};

}  // namespace seamless
