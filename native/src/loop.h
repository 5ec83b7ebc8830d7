#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "connection.h"
#include "listener.h"
#include "mailbox.h"

namespace seamless {

// One thread with its connections, which no other thread touches. A turn: wait for events, serve them, go on with what was
// left unfinished, look at the deadlines, do what other threads have asked for, bury what has ended. In this order, so
// that no event of the turn meets a socket that is newer than the event.
class Loop {
 public:
  // One of so many.
  Loop(size_t index, size_t count, size_t most_pipes, Mailbox& mailbox);
  // Resets what is left.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // By any thread.

  void post(std::function<void()> task);
  // Does it in the loop's thread and waits for it.
  void call(const std::function<void()>& task);

  // By its own thread.

  void start_accepting(Entrance& entrance);
  void stop_accepting(Entrance& entrance);
  std::list<Connection>& connections() { return connections_; }
  // Those of one listener that are being connected.
  std::vector<Connection*> dialling(const Listener& listener) const;
  // Takes a held connection out; nullptr if its client is gone.
  Connection* take_held(uint64_t id);

  // By its connections.

  size_t index() const { return index_; }
  Mailbox& mailbox() const { return mailbox_; }
  Channels channels() { return {buffer_.get(), kBufferBytes, pipes_}; }
  // False if the kernel has no room.
  bool watch(int fd, Connection& connection, Side side);
  // To be called before it is closed: a child process that was forked just now may still have it, and as long as that
  // has not called exec, closing alone would not end the watch.
  void unwatch(int fd);
  // Answers an id for `take_held`.
  uint64_t hold(Connection& connection);
  void forget_held(uint64_t id) { held_.erase(id); }
  void add_dialling(Connection& connection) { dialling_.insert(&connection); }
  void remove_dialling(Connection& connection) { dialling_.erase(&connection); }
  // Has its turn again after the others.
  void queue(Connection& connection);
  // Ended: it is destroyed when the turn is over.
  void bury(Connection& connection);

 private:
  static constexpr size_t kBufferBytes = 256 * 1024;

  void run();
  int timeout_ms() const;
  void serve(uint64_t tag, uint32_t events);
  void accept_some(Entrance& entrance);
  int accept(Entrance& entrance, Caller& caller);
  void take_in(Listener& listener, int socket, const Caller& caller);
  // Whether the limits of the listener let it in; else why not.
  std::optional<Reason> admit(Listener& listener);
  void turn_away(Listener& listener, int socket, const Caller& caller, Reason reason);
  void refuse_for_descriptors(Entrance& entrance);
  void rest();
  void go_on();
  void look_at_deadlines();
  void run_tasks();
  bool listen_for(Entrance& entrance);

  const size_t index_;
  const size_t count_;
  Mailbox& mailbox_;
  const int epoll_;
  const int wake_;
  // Given up for a moment to be able to take in, and reset, a client when no descriptor is left.
  int reserve_;
  const std::unique_ptr<char[]> buffer_;
  PipePool pipes_;
  std::list<Connection> connections_;
  std::list<Connection> ended_;
  std::unordered_set<Connection*> dialling_;
  std::unordered_map<uint64_t, Connection*> held_;
  uint64_t last_held_id_ = 0;
  // Of the next connection. Each loop leaves out those of the others.
  uint64_t next_number_;
  std::vector<Connection*> unfinished_;
  std::unordered_set<Entrance*> entrances_;
  // When to accept again after having run out of descriptors; 0: accepts.
  uint64_t rests_until_ms_ = 0;
  uint64_t tended_ms_ = 0;
  uint64_t dials_looked_at_ms_ = 0;
  // Whether there are tasks.
  bool is_woken_ = false;
  bool stopping_ = false;
  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;
  std::thread thread_;
};

}  // namespace seamless
