#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "counters.h"
#include "listener.h"
#include "loop.h"
#include "mailbox.h"

namespace seamless {

// All threads and listeners. Used by one thread, which never moves a byte; what it asks for is done in the threads of the
// loops. Where an answer is needed at once it waits for them, at most for one turn of theirs.
class Engine {
 public:
  // `wake` is called by any thread when `events` has something new; how each connection ended is if that is wanted.
  Engine(size_t threads, int64_t most_connections, bool wants_ends, std::function<void()> wake);
  ~Engine();

  // Answers the id of a new listener. Its totals are counted in a slot, as targets are in theirs.
  uint32_t create(const Settings& settings, uint32_t totals_slot);
  void configure(uint32_t id, const Settings& settings) { get(id).configure(settings); }
  // Accepts from a listening socket, which is the engine's from now on.
  void open(uint32_t id, int fd);
  // Closes one of them. What waits in its queue is lost, unless another process has the socket too.
  void shut(uint32_t id, int fd);

  // Puts a table in force. Each thread tells (`adopted`) when it uses no older one any more; connections that are being
  // connected to a target in one of the slots `left` go to another first.
  void apply(uint32_t id, Table::Content content, std::vector<uint32_t> left);
  void set_paused(uint32_t id, bool paused) { get(id).set_paused(paused); }
  // Has a held connection try again.
  void let_go(size_t thread, uint64_t held);
  // Resets a held connection, and tells why, unless the listener is closing.
  void refuse_held(size_t thread, uint64_t held, Cause cause);

  // Resets connections of a target, the oldest first, and answers how many.
  size_t cut(uint32_t id, uint32_t slot, size_t most);
  size_t close_idle(uint32_t id, uint32_t slot, uint64_t idle_ms);
  // When the oldest open connection of a target was accepted.
  std::optional<uint64_t> oldest_unix_ms(uint32_t id, uint32_t slot);

  // Closes the listening sockets. From then on each thread that has none of its connections left tells so (`emptied`).
  void stop_accepting(uint32_t id);
  // Resets all connections of a listener and answers how many.
  size_t abort_all(uint32_t id);
  // A listener without connections is forgotten.
  void forget(uint32_t id);

  Slot slot(uint32_t number) { return memory_.slot(number); }
  std::shared_ptr<CounterPage> page(size_t index) { return memory_.page(index); }
  std::vector<Event> events() { return mailbox_.collect(); }

 private:
  void shut(Entrance& entrance);
  Listener& get(uint32_t id) { return *listeners_.at(id); }
  // Does something with each connection of a listener, in their threads.
  void for_each(uint32_t id, const std::function<void(Connection&)>& act);

  CounterMemory memory_;
  Mailbox mailbox_;
  Budget budget_;
  uint32_t last_id_ = 0;
  std::unordered_map<uint32_t, std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Loop>> loops_;
};

}  // namespace seamless
