#include "loop.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <future>
#include <system_error>

#include "clock.h"
#include "socket.h"

namespace seamless {
namespace {

constexpr int kMostEvents = 256;
// Clients that are taken in before those that are there have their turn; few enough that other threads get some, too.
constexpr int kMostAccepts = 16;
constexpr uint64_t kTendingMs = 1'000;
// How exactly connect time-outs are kept.
constexpr uint64_t kDialTickMs = 10;
constexpr uint64_t kRestMs = 20;

// What an event belongs to: a pointer, and in its low bits to what.
enum Tag : uint64_t { kClient, kBackend, kListener, kWake, kTagMask = 3 };
static_assert(alignof(Connection) > kTagMask && alignof(Entrance) > kTagMask);

int require(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

bool add(int epoll, int fd, uint32_t events, const void* subject, Tag tag) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = reinterpret_cast<uint64_t>(subject) | tag;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

Loop::Loop(size_t index, size_t count, size_t most_pipes, Mailbox& mailbox)
    : index_(index),
      count_(count),
      mailbox_(mailbox),
      epoll_(require(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_(require(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")),
      reserve_(open("/dev/null", O_RDONLY | O_CLOEXEC)),
      buffer_(new char[kBufferBytes]),
      pipes_(most_pipes),
      next_number_(index + 1),
      tended_ms_(monotonic_ms()) {
  add(epoll_, wake_, EPOLLIN, nullptr, kWake);
  thread_ = std::thread([this] { run(); });
}

Loop::~Loop() {
  call([this] {
    while (!connections_.empty()) connections_.front().abort(Cause::shutdown);
    stopping_ = true;
  });
  thread_.join();
  for (const int fd : {epoll_, wake_, reserve_})
    if (fd >= 0) close(fd);
}

void Loop::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    if (tasks_.size() > 1) return;
  }
  const uint64_t one = 1;
  while (write(wake_, &one, sizeof one) < 0 && errno == EINTR) continue;
}

void Loop::call(const std::function<void()>& task) {
  std::promise<void> done;
  post([&task, &done] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

void Loop::run() {
  // Signals are the main thread's; splice(2) would send a SIGPIPE.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  epoll_event events[kMostEvents];
  while (!stopping_) {
    const int count = epoll_wait(epoll_, events, kMostEvents, timeout_ms());
    for (int i = 0; i < count; i++) serve(events[i].data.u64, events[i].events);
    go_on();
    look_at_deadlines();
    if (is_woken_) run_tasks();
    ended_.clear();
  }
}

int Loop::timeout_ms() const {
  if (!unfinished_.empty()) return 0;
  if (!dialling_.empty() || rests_until_ms_ != 0) return kDialTickMs;
  return connections_.empty() ? -1 : kTendingMs;
}

void Loop::serve(uint64_t tag, uint32_t events) {
  const auto subject = tag & ~uint64_t{kTagMask};
  switch (tag & kTagMask) {
    case kClient:
      reinterpret_cast<Connection*>(subject)->on_events(Side::client, events);
      break;
    case kBackend:
      reinterpret_cast<Connection*>(subject)->on_events(Side::backend, events);
      break;
    case kListener:
      accept_some(*reinterpret_cast<Entrance*>(subject));
      break;
    default:
      uint64_t count;
      while (read(wake_, &count, sizeof count) < 0 && errno == EINTR) continue;
      is_woken_ = true;
  }
}

bool Loop::watch(int fd, Connection& connection, Side side) {
  return add(epoll_, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, &connection,
             side == Side::client ? kClient : kBackend);
}

void Loop::unwatch(int fd) { epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr); }

// Exclusive: a new client wakes one thread, not all.
bool Loop::listen_for(Entrance& entrance) {
  return add(epoll_, entrance.fd, EPOLLIN | EPOLLEXCLUSIVE, &entrance, kListener);
}

void Loop::start_accepting(Entrance& entrance) {
  entrances_.insert(&entrance);
  if (rests_until_ms_ == 0 && !listen_for(entrance)) rest();
}

void Loop::stop_accepting(Entrance& entrance) {
  entrances_.erase(&entrance);
  epoll_ctl(epoll_, EPOLL_CTL_DEL, entrance.fd, nullptr);
}

void Loop::accept_some(Entrance& entrance) {
  for (int i = 0; i < kMostAccepts; i++) {
    Caller caller;
    const int socket = accept(entrance, caller);
    if (socket >= 0) {
      take_in(entrance.listener, socket, caller);
    } else if (is_exhausted(errno)) {
      refuse_for_descriptors(entrance);
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;
    }
  }
}

// A socket, whose client is then known; or -1.
int Loop::accept(Entrance& entrance, Caller& caller) {
  sockaddr_storage peer;
  socklen_t length = sizeof peer;
  peer.ss_family = AF_UNSPEC;
  const int socket =
      accept4(entrance.fd, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (socket < 0) return socket;
  caller = {next_number_, end_of(peer)};
  next_number_ += count_;
  return socket;
}

void Loop::take_in(Listener& listener, int socket, const Caller& caller) {
  if (const std::optional<Reason> refusal = admit(listener)) {
    turn_away(listener, socket, caller, *refusal);
    return;
  }
  CounterBlock& totals = listener.totals().of_thread(index_);
  totals.add(kAccepted, 1);
  totals.add(kOpen, 1);
  Connection& connection = connections_.emplace_back(*this, listener, socket, caller);
  connection.place = std::prev(connections_.end());
  if (listener.is_closing()) connection.abort(Cause::shutdown);
  else connection.greet();
}

std::optional<Reason> Loop::admit(Listener& listener) {
  const Gate::Limits& limits = listener.settings().limits;
  if (!listener.budget().take()) return Reason::connection_limit;
  std::optional<Reason> refusal = listener.gate().enter(limits, limits.accepts_per_second == 0 ? 0 : monotonic_us());
  if (refusal) listener.budget().give_back();
  return refusal;
}

void Loop::turn_away(Listener& listener, int socket, const Caller& caller, Reason reason) {
  CounterBlock& totals = listener.totals().of_thread(index_);
  totals.add(kAccepted, 1);
  totals.add(kRefusedByLimit, 1);
  totals.add(kRefusedFor + static_cast<size_t>(reason), 1);
  reset(socket);
  Event event{EventType::refused, listener.id()};
  event.reason = reason;
  event.thread = index_;
  event.of = caller;
  mailbox_.post(event);
}

// A client that can't be taken in would else stay in the queue, and be announced again and again.
void Loop::refuse_for_descriptors(Entrance& entrance) {
  if (reserve_ >= 0) close(reserve_);
  Caller caller;
  const int socket = accept(entrance, caller);
  if (socket >= 0) turn_away(entrance.listener, socket, caller, Reason::descriptors);
  reserve_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (socket < 0) rest();
}

void Loop::rest() {
  rests_until_ms_ = monotonic_ms() + kRestMs;
  for (Entrance* entrance : entrances_) epoll_ctl(epoll_, EPOLL_CTL_DEL, entrance->fd, nullptr);
}

std::vector<Connection*> Loop::dialling(const Listener& listener) const {
  std::vector<Connection*> found;
  for (Connection* connection : dialling_)
    if (connection->is_of(listener)) found.push_back(connection);
  return found;
}

uint64_t Loop::hold(Connection& connection) {
  held_.emplace(++last_held_id_, &connection);
  return last_held_id_;
}

Connection* Loop::take_held(uint64_t id) {
  const auto found = held_.find(id);
  if (found == held_.end()) return nullptr;
  Connection* connection = found->second;
  held_.erase(found);
  return connection;
}

void Loop::queue(Connection& connection) {
  if (!connection.is_queued) unfinished_.push_back(&connection);
  connection.is_queued = true;
}

void Loop::bury(Connection& connection) {
  if (connection.is_queued) unfinished_.erase(std::find(unfinished_.begin(), unfinished_.end(), &connection));
  connection.is_queued = false;
  ended_.splice(ended_.end(), connections_, connection.place);
}

void Loop::go_on() {
  std::vector<Connection*> due;
  due.swap(unfinished_);
  for (Connection* connection : due) connection->is_queued = false;
  for (Connection* connection : due) connection->advance();
}

void Loop::look_at_deadlines() {
  const uint64_t now = monotonic_ms();
  if (!dialling_.empty() && now >= dials_looked_at_ms_ + kDialTickMs) {
    dials_looked_at_ms_ = now;
    std::vector<Connection*> late;
    for (Connection* connection : dialling_)
      if (connection->dial_deadline_ms() <= now) late.push_back(connection);
    for (Connection* connection : late) connection->on_dial_deadline();
  }
  if (rests_until_ms_ != 0 && now >= rests_until_ms_) {
    rests_until_ms_ = 0;
    for (Entrance* entrance : entrances_) listen_for(*entrance);
  }
  if (now >= tended_ms_ + kTendingMs) {
    tended_ms_ = now;
    // One may end by it, and leave the list.
    for (auto next = connections_.begin(); next != connections_.end();) (next++)->tend(now);
  }
}

void Loop::run_tasks() {
  is_woken_ = false;
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (const auto& task : tasks) task();
}

}  // namespace seamless
