#include "table.h"

#include <algorithm>

namespace seamless {

Table::Turn Table::take() const {
  const uint64_t taken = cursor_.fetch_add(1, std::memory_order_acq_rel);
  if (taken & kClosed) return {nullptr, true};
  const auto& [targets, sequence, carry, hold_ms, generation] = content_;
  if (sequence.empty()) return {nullptr, false};
  return {&targets[sequence[(taken + 1) % sequence.size()]], false};
}

const Target* Table::alternative(const std::vector<uint32_t>& tried) const {
  const auto& [targets, sequence, carry, hold_ms, generation] = content_;
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
