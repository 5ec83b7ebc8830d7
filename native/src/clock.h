#pragma once

#include <cstdint>
#include <ctime>

namespace seamless {

inline uint64_t read_clock_ms(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
}

// For spans. Coarse: the time of the last tick (1 to 10 ms ago), but it costs next to nothing.
inline uint64_t monotonic_ms() { return read_clock_ms(CLOCK_MONOTONIC_COARSE); }

inline uint64_t monotonic_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1'000;
}

inline uint64_t unix_ms() { return read_clock_ms(CLOCK_REALTIME_COARSE); }

}  // namespace seamless
