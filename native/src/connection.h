#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "gate.h"
#include "mailbox.h"
#include "relay.h"
#include "table.h"

namespace seamless {

class Listener;
class Loop;

// One client and its backend:
//
//     greeting (if the client is a proxy: until its header is there)
//      │
//     waiting ──begin──► dialling ──connected──► open ──both directions ended──► ended
//      ▲  │               │ │  ▲ │                │
//      │  └────abort──────┼─┴──┼─┴────abort───────┘ (both sides reset)
//      │                  │    └ next address or target after a failure
//      └── none is left ──┘
//
// The client is not read before the backend is connected, so a failed dial loses nothing. Everything here happens in the
// thread of its loop, which alone closes its descriptors. An ended connection lives until the loop's turn is over.
// dialling.cc has what happens before it is open.
class Connection {
 public:
  Connection(Loop& loop, Listener& listener, int socket, const Caller& caller);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Finds out who the client is, as far as that matters, and begins.
  void greet();
  // Takes a target and dials it; if there is none, or a pause, the connection waits or is refused.
  void begin();

  void on_events(Side side, uint32_t events);
  // Goes on with what was left unfinished for others to have their turn.
  void advance();
  void on_dial_deadline();
  uint64_t dial_deadline_ms() const { return dial_->deadline_ms; }

  // Resets both sides.
  void abort(Cause cause);
  // The same for a client that nothing could be done for; says so.
  void refuse(Reason reason, Cause cause);
  // A newer table is in force: if the target has lost its turn (is among `left`, or gone), goes to another one.
  void adopt(const Table& table, const std::vector<uint32_t>& left);
  // Cuts an open connection; one that is being connected goes to another target.
  void leave_target();
  // Closes both sides if no byte has passed for so long.
  bool close_if_idle(uint64_t idle_ms, uint64_t now_ms);
  // To be called every second: what short connections need not pay for.
  void tend(uint64_t now_ms);

  bool is_ended() const { return state_ == State::ended; }
  bool is_of(const Listener& listener) const { return &listener_ == &listener; }
  // Uses this target now.
  bool uses(uint32_t slot) const { return has_target() && slot_ == slot; }
  uint64_t accepted_unix_ms() const { return accepted_unix_ms_; }

  std::list<Connection>::iterator place;
  // Whether it stands in the loop's queue of unfinished ones.
  bool is_queued = false;

 private:
  enum class State : uint8_t { greeting, waiting, dialling, open, ended };

  // What is needed only until it is open.
  struct Attempt {
    const Target* target = nullptr;
    // Slots of the targets tried so far, the present one included.
    std::vector<uint32_t> tried;
    // How many of them could not be connected; the others have lost their turn meanwhile.
    uint32_t failures = 0;
    size_t address = 0;
    size_t addresses_left = 0;
    uint64_t target_deadline_ms = 0;
    uint64_t target_since_us = 0;
    uint64_t deadline_ms = 0;
    // When it first had to wait; 0: never.
    uint64_t held_since_ms = 0;
    // By what the loop knows it while it is held; 0: it is not.
    uint64_t held_id = 0;
  };

  void read_header();
  // Begins, if its limit lets this client in.
  void let_in(const End& client);
  bool has_target() const { return state_ == State::dialling || state_ == State::open; }
  void wait(Reason reason);
  void dial_target(const Target& target);
  void dial_address();
  void on_address_failed(int error);
  void on_target_failed(int error);
  void try_next_target();
  void leave_dial();
  void give_up(Reason reason);
  void on_connected();
  // Who the client is, as far as it is known.
  const End& source() const { return route_ ? route_->source : caller_.client; }
  Route route() const { return route_ ? *route_ : Route{caller_.client, local_end(relay_.socket(Side::client))}; }
  // Says to the backend who the client is, if it is to be told. False if the backend has failed.
  bool send_header();
  void discard_backend();
  void release_target();
  // Closes the socket of a side, or aborts it, if there is one.
  void shut(Side side, void (*close)(int fd));
  void fail(Side side);
  void end(Cause cause);
  void follow(Relay::Outcome outcome);
  // False if the kernel has no room for it.
  bool watch(Side side);
  uint64_t idle_ms(uint64_t now_ms);
  CounterBlock& counters() const;
  Event event_of(EventType type) const;
  void report(EventType type, uint64_t number = 0, uint64_t more = 0) const;
  void report_end(Cause cause) const;

  Loop& loop_;
  Listener& listener_;
  // Its peer; a header may have said of whom that speaks.
  const Caller caller_;
  Relay relay_;
  std::unique_ptr<Attempt> dial_;
  // As whom the gate has let it in, if it looks at that.
  std::optional<Gate::Client> known_;
  // What a header has said of the client.
  std::unique_ptr<const Route> route_;
  CounterBlock* target_counters_ = nullptr;
  CounterBlock* target_shared_ = nullptr;
  uint64_t accepted_unix_ms_;
  uint64_t moved_ms_ = 0;
  uint64_t open_since_ms_ = 0;
  uint32_t slot_ = 0;
  State state_ = State::waiting;
  bool is_client_watched_ = false;
  bool is_tended_ = false;
};

}  // namespace seamless
