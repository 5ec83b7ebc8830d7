#pragma once

#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "counters.h"

namespace seamless {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

// A backend with the addresses its name stands for, in the order in which they are tried.
struct Target {
  Slot slot;
  std::vector<Address> addresses;
  uint32_t weight = 1;
};

// How a position is chosen for a new connection; engine.ts says what each means, and has them in this order.
enum class Choice : uint8_t { turn, least, hash, two };

// Where connections may go. Immutable but for its cursor, which all threads share: that keeps the order strict.
class Table {
 public:
  struct Content {
    std::vector<Target> targets;
    // Indices into targets; new connections walk it in a circle.
    std::vector<uint32_t> sequence;
    // For each position of the sequence before, the position here that counts as taken. Empty: position 0 does.
    std::vector<uint32_t> carry;
    Choice choice = Choice::turn;
    uint64_t hold_ms = 0;
    // Which of all tables of its listener this is.
    uint64_t generation = 0;
  };

  explicit Table(Content content) : content_(std::move(content)) {}

  // The target of the next new connection.
  struct Turn {
    const Target* target;  // nullptr if the sequence is empty
    bool is_closed;        // this table is in force no more; ask the next one
  };
  // `hash`: answers that of the client's address.
  Turn take(const std::function<uint32_t()>& hash) const;

  // The target to try after those in these slots: the next one in the round after the last of them (after the cursor,
  // if that one is gone), then the last resorts in order. nullptr if all have been tried.
  const Target* alternative(const std::vector<uint32_t>& tried) const;

  const Target* find(uint32_t slot) const;

  // Takes over the place in the round from the table before, which gives out no more turns from then on.
  void succeed(const Table& before);

  uint64_t hold_ms() const { return content_.hold_ms; }
  uint64_t generation() const { return content_.generation; }
  const std::vector<Target>& targets() const { return content_.targets; }

 private:
  const Target* at(uint64_t position) const {
    return &content_.targets[content_.sequence[position % content_.sequence.size()]];
  }
  // The first one from this position on with the fewest connections for its weight.
  const Target* least_from(uint64_t position) const;
  const Target* lighter_of_two() const;
  size_t close() const;
  std::optional<size_t> position_of(uint32_t slot) const;

  static constexpr uint64_t kClosed = uint64_t{1} << 63;

  Content content_;
  // The position taken last, plus any number of rounds.
  mutable std::atomic<uint64_t> cursor_{0};
};

}  // namespace seamless
