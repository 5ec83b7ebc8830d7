#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "counters.h"
#include "pipe.h"

namespace seamless {

enum class Side : uint8_t { client, backend };

constexpr Side other(Side side) { return side == Side::client ? Side::backend : Side::client; }

// What the connections of a thread share for passing bytes on: one buffer, which is empty after each use, and some pipes.
struct Channels {
  char* buffer;
  size_t buffer_size;
  PipePool& pipes;
};

// Passes both directions of a connection on: data as it comes, then the end of the stream (FIN). One direction ends
// without the other: half-close stays half-open. An abort of one side is the connection's business.
//
// What the sink does not take at once is kept, and the source is not read before it is gone, so that a slow reader slows
// its writer down and no more than a buffer is kept per direction. A direction that has had much to read several times in a
// row goes through a pipe, which spares copying; for little that would cost more than it saves. The events are edges (EPOLLET): whoever is readable
// stays so until a read has shown otherwise.
class Relay {
 public:
  enum class Outcome : uint8_t {
    waits,           // for an event
    unfinished,      // there is more to do, but others have their turn first
    ended,           // in both directions
    client_failed,   // aborted, or vanished
    backend_failed,  // the same
  };

  void set_socket(Side side, int fd) { leg(side).fd = fd; }
  int socket(Side side) const { return legs_[static_cast<size_t>(side)].fd; }

  // What a side is to be sent before anything else. False if it has failed.
  bool send_first(Side side, const char* data, size_t size) { return send_or_keep(leg(side), data, size); }

  // Events of a side, as epoll tells them, or a guess that there is something to read.
  void note(Side side, uint32_t events);

  Outcome advance(const Channels& channels, CounterBlock& counters);
  // To be called when it is over.
  void give_back(PipePool& pipes);

  // Whether a byte has passed since this was asked last.
  bool take_moved() {
    const bool moved = moved_;
    moved_ = false;
    return moved;
  }

  // Bytes that a side has sent.
  uint64_t passed(Side from) const { return passed_[static_cast<size_t>(from)]; }

  // Whether one direction has ended and the other has not.
  bool is_half_closed() const { return legs_[0].ended != legs_[1].ended; }

  // The side that ended, or failed, before the other.
  bool has_ended_first(Side side) const { return first_to_end_ == static_cast<uint8_t>(side) + 1; }
  void set_first_to_end(Side side) {
    if (first_to_end_ == 0) first_to_end_ = static_cast<uint8_t>(static_cast<uint8_t>(side) + 1);
  }

 private:
  // What was read and a socket has not taken yet.
  struct Backlog {
    std::vector<char> bytes;
    size_t sent = 0;
  };

  struct Leg {
    int fd = -1;
    bool readable = false;  // perhaps
    bool hung_up = false;   // its FIN has come, perhaps behind what is unread
    bool failed = false;    // its RST has come, perhaps behind what is unread
    bool ended = false;     // read to the end
    uint8_t bulk = 0;       // how often in a row it had much to read
    // One of them, or none.
    std::unique_ptr<Backlog> backlog;
    std::unique_ptr<Pipe> pipe;

    bool has_unsent() const { return backlog || pipe; }
  };

  Leg& leg(Side side) { return legs_[static_cast<size_t>(side)]; }

  Outcome pass_on(Side from, const Channels& channels, CounterBlock& counters);
  // These answer false if the sink has failed; what it does not take is unsent.
  bool flush(Leg& sink, PipePool& pipes);
  bool send_or_keep(Leg& sink, const char* data, size_t size);
  static bool send_or_keep(Leg& sink, std::unique_ptr<Pipe> pipe, PipePool& pipes);
  Outcome finish(Side from);
  bool is_finished(Side from) { return leg(from).ended && !leg(other(from)).has_unsent(); }
  static Outcome failure(Side side) {
    return side == Side::client ? Outcome::client_failed : Outcome::backend_failed;
  }

  Leg legs_[2];
  uint64_t passed_[2] = {};
  uint8_t first_to_end_ = 0;
  bool moved_ = true;
  // Whether the backend has been sent something, and then told to send small pieces at once.
  bool has_sent_ = false;
  bool no_delay_ = false;
};

}  // namespace seamless
