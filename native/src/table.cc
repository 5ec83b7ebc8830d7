#include "table.h"

#include <algorithm>
#include <random>

namespace seamless {

namespace {

// Connections for the weight, the one that is to come included.
double share_of(const Target& target) {
  return static_cast<double>(target.slot.sum(kActive) + 1) / target.weight;
}

uint64_t random_below(uint64_t end) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_int_distribution<uint64_t>{0, end - 1}(random);
}

}  // namespace

Table::Turn Table::take(const std::function<uint32_t()>& hash) const {
  const uint64_t taken = cursor_.fetch_add(1, std::memory_order_acq_rel);
  if (taken & kClosed) return {nullptr, true};
  if (content_.sequence.empty()) return {nullptr, false};
  switch (content_.choice) {
    case Choice::least:
      return {least_from(taken + 1), false};
    case Choice::hash:
      return {at(hash()), false};
    case Choice::two:
      return {lighter_of_two(), false};
    default:
      return {at(taken + 1), false};
  }
}

const Target* Table::least_from(uint64_t position) const {
  const Target* best = nullptr;
  double least = 0;
  for (size_t step = 0; step < content_.sequence.size(); step++) {
    const Target* target = at(position + step);
    const double share = share_of(*target);
    if (best && share >= least) continue;
    best = target;
    least = share;
  }
  return best;
}

const Target* Table::lighter_of_two() const {
  const size_t count = content_.sequence.size();
  if (count == 1) return at(0);
  const uint64_t first = random_below(count);
  const Target* one = at(first);
  const Target* other = at(first + 1 + random_below(count - 1));
  return share_of(*other) < share_of(*one) ? other : one;
}

const Target* Table::alternative(const std::vector<uint32_t>& tried) const {
  const auto& [targets, sequence, carry, choice, hold_ms, generation] = content_;
  const auto is_tried = [&tried](const Target& target) {
    return std::find(tried.begin(), tried.end(), target.slot.number()) != tried.end();
  };
  const size_t count = sequence.size();
  const uint64_t taken = cursor_.load(std::memory_order_acquire) & ~kClosed;
  const size_t start = tried.empty() ? taken : position_of(tried.back()).value_or(taken);
  for (size_t step = 1; step <= count; step++) {
    const Target& target = targets[sequence[(start + step) % count]];
    if (!is_tried(target)) return &target;
  }
  for (const Target& target : targets)
    if (!is_tried(target)) return &target;
  return nullptr;
}

const Target* Table::find(uint32_t slot) const {
  for (const Target& target : content_.targets)
    if (target.slot.number() == slot) return &target;
  return nullptr;
}

std::optional<size_t> Table::position_of(uint32_t slot) const {
  const auto& sequence = content_.sequence;
  for (size_t position = 0; position < sequence.size(); position++)
    if (content_.targets[sequence[position]].slot.number() == slot) return position;
  return std::nullopt;
}

void Table::succeed(const Table& before) {
  const size_t taken = before.close();
  cursor_.store(taken < content_.carry.size() ? content_.carry[taken] : 0, std::memory_order_release);
}

size_t Table::close() const {
  const uint64_t taken = cursor_.fetch_or(kClosed, std::memory_order_acq_rel);
  return content_.sequence.empty() ? 0 : taken % content_.sequence.size();
}

}  // namespace seamless
