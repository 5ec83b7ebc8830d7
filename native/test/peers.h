#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

// Blocking peers for the stress test: what a proxy has to do with in the wild.
namespace seamless::testing {

// A server that sends back what it gets, connection by connection, until it is destroyed.
class EchoServer {
 public:
  EchoServer();
  ~EchoServer();

  uint16_t port() const { return port_; }

 private:
  void accept_all();

  int fd_;
  uint16_t port_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

enum class Answer {
  fine,       // complete, or not waited for
  reset,      // with what came before right
  truncated,  // ended cleanly before it was complete
  wrong,
};

// One connection through the proxy that behaves in one of several ways, and checks what it is answered.
Answer talk(uint16_t port, uint32_t behaviour);

}  // namespace seamless::testing
