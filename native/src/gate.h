#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "mailbox.h"
#include "proxy_header.h"

namespace seamless {

// The limits of one listener: who comes in and who does not. By all threads.
class Gate {
 public:
  // 0: no limit.
  struct Limits {
    uint32_t connections = 0;
    uint32_t connections_per_client = 0;
    uint32_t accepts_per_second = 0;
  };

  // What counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address, which is what one
  // customer or host has (RFC 6177); all clients of Unix sockets are one.
  using Client = std::array<uint8_t, 8>;
  static Client client_of(const End& end);

  // Nothing: it has come in, and `leave` is to be called once. Else why not.
  std::optional<Reason> enter(const Limits& limits, uint64_t now_us);
  void leave() { open_.fetch_sub(1, std::memory_order_relaxed); }

  // The same for the connections of one client.
  bool enter_as(const Client& client, uint32_t most);
  void leave_as(const Client& client);

 private:
  bool is_too_fast(uint32_t per_second, uint64_t now_us);

  struct Hash {
    size_t operator()(const Client& client) const;
  };

  std::atomic<uint32_t> open_{0};
  // When the next client would be due if they came evenly.
  std::atomic<uint64_t> due_us_{0};
  std::mutex mutex_;
  std::unordered_map<Client, uint32_t, Hash> clients_;
};

}  // namespace seamless
