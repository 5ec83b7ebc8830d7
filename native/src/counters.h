#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

// Counters that JavaScript reads without a call: it sees the memory of each page as an array of 64-bit numbers.
//
// A slot counts for one target or one listener. It has a block for each thread, which that thread alone writes, so
// that threads never wait for each other's cache lines, and one block that they share for what is seldom written. The
// sum over the threads is what JavaScript shows; only JavaScript gives slots out and clears them.
namespace seamless {

// Upper bounds of the histograms' buckets in microseconds; what is beyond the last is counted in one more.
inline constexpr std::array<uint64_t, 11> kConnectBounds = {500,     1'000,   2'500,   5'000,     10'000,   25'000,
                                                            50'000, 100'000, 250'000, 1'000'000, 5'000'000};
inline constexpr std::array<uint64_t, 7> kLifeBounds = {100'000,     1'000'000,     10'000'000,    60'000'000,
                                                        600'000'000, 3'600'000'000, 86'400'000'000};

// What a thread counts of a target. The order is known to counter-memory.ts, as that of the other cells here.
enum TargetCell : size_t {
  kActive,
  kTotal,
  kFailed,
  kBytesIn,
  kBytesOut,
  kTargetEnds,
  // Histograms: a cell for each bucket, and one for the sum.
  kConnectTimes = kTargetEnds + 5,
  kLifeTimes = kConnectTimes + kConnectBounds.size() + 2,
  kTargetCells = kLifeTimes + kLifeBounds.size() + 2,
};

// What a thread counts of a listener.
enum ListenerCell : size_t {
  kOpen,
  kAccepted,
  kListenerEnds,
  kLeftEarly = kListenerEnds + 5,
  kConnectFailed,
  kHoldExpired,
  kRefusedByLimit,
  // The same again by reason: the cell of each is this one plus the reason's number.
  kRefusedFor = 16,
};

// What threads share about a target.
enum SharedCell : size_t { kConsecutiveFailures, kPreferredEndpoint, kRetired };

struct alignas(128) CounterBlock {
  static constexpr size_t kCells = 32;
  std::atomic<uint64_t> cells[kCells] = {};

  uint64_t read(size_t cell) const { return cells[cell].load(std::memory_order_relaxed); }

  // By the one thread that writes here. Released, so that whoever learns of an effect finds its cause counted.
  void add(size_t cell, uint64_t amount) {
    cells[cell].store(read(cell) + amount, std::memory_order_release);
  }

  // The same of a time, for the histogram that begins at a cell.
  template <size_t kBounds>
  void observe(size_t first, const std::array<uint64_t, kBounds>& bounds, uint64_t us) {
    size_t bucket = 0;
    while (bucket < kBounds && us > bounds[bucket]) bucket++;
    add(first + bucket, 1);
    add(first + kBounds + 1, us);
  }
};
static_assert(sizeof(CounterBlock) == 256, "counter-memory.ts relies on it");
static_assert(kTargetCells <= CounterBlock::kCells);

class CounterPage {
 public:
  static constexpr size_t kSlots = 64;

  explicit CounterPage(size_t threads) : blocks_(kSlots * (threads + 1)), threads_(threads) {}

  CounterBlock& of_thread(size_t slot, size_t thread) { return blocks_[slot * (threads_ + 1) + thread]; }
  // What all threads have counted.
  uint64_t sum(size_t slot, size_t cell) {
    uint64_t total = 0;
    for (size_t thread = 0; thread < threads_; thread++) total += of_thread(slot, thread).read(cell);
    return total;
  }
  CounterBlock& shared(size_t slot) { return of_thread(slot, threads_); }

  void* data() { return blocks_.data(); }
  size_t bytes() const { return blocks_.size() * sizeof(CounterBlock); }

 private:
  std::vector<CounterBlock> blocks_;
  size_t threads_;
};

// A place in a page.
class Slot {
 public:
  Slot(CounterPage* page, uint32_t number) : page_(page), number_(number) {}

  uint32_t number() const { return number_; }
  CounterBlock& of_thread(size_t thread) const {
    return page_->of_thread(number_ % CounterPage::kSlots, thread);
  }
  uint64_t sum(size_t cell) const { return page_->sum(number_ % CounterPage::kSlots, cell); }
  CounterBlock& shared() const { return page_->shared(number_ % CounterPage::kSlots); }

 private:
  CounterPage* page_;
  uint32_t number_;
};

// All pages; they never move and live as long as somebody, also JavaScript, uses them. For one thread only.
class CounterMemory {
 public:
  explicit CounterMemory(size_t threads) : threads_(threads) {}

  Slot slot(uint32_t number) {
    return {page(number / CounterPage::kSlots).get(), number};
  }

  std::shared_ptr<CounterPage> page(size_t index) {
    while (pages_.size() <= index) pages_.push_back(std::make_shared<CounterPage>(threads_));
    return pages_[index];
  }

 private:
  size_t threads_;
  std::vector<std::shared_ptr<CounterPage>> pages_;
};

}  // namespace seamless
