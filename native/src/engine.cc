#include "engine.h"

#include <unistd.h>

#include <algorithm>

#include "clock.h"
#include "socket.h"

namespace seamless {
namespace {

// Over all threads, which have two at least: they must fit into the descriptors that are kept back from clients.
constexpr size_t kMostPipes = 24;

// Why a held connection is refused; it is counted by its cause.
Reason reason_of(Cause cause) {
  if (cause == Cause::limit) return Reason::hold_limit;
  return cause == Cause::hold_expired ? Reason::hold_expired : Reason::no_backend;
}

}  // namespace

Engine::Engine(size_t threads, int64_t most_connections, bool wants_ends, std::function<void()> wake)
    : memory_(threads), mailbox_(wants_ends, std::move(wake)), budget_(most_connections) {
  const size_t pipes = std::max<size_t>(kMostPipes / threads, 2);
  for (size_t index = 0; index < threads; index++)
    loops_.push_back(std::make_unique<Loop>(index, threads, pipes, mailbox_));
}

Engine::~Engine() {
  for (auto& [id, listener] : listeners_)
    if (!listener->is_closing()) stop_accepting(id);
  loops_.clear();
}

uint32_t Engine::create(const Settings& settings, uint32_t totals_slot) {
  const uint32_t id = ++last_id_;
  listeners_.emplace(id, std::make_unique<Listener>(id, settings, slot(totals_slot), budget_));
  return id;
}

void Engine::open(uint32_t id, int fd) {
  Listener& listener = get(id);
  Entrance& entrance = *listener.entrances().emplace_back(new Entrance{listener, fd});
  for (auto& loop : loops_) loop->post([&loop = *loop, &entrance] { loop.start_accepting(entrance); });
}

void Engine::shut(uint32_t id, int fd) {
  auto& entrances = get(id).entrances();
  const auto found = std::find_if(entrances.begin(), entrances.end(), [fd](auto& each) { return each->fd == fd; });
  if (found == entrances.end()) return;
  shut(**found);
  entrances.erase(found);
}

// When all threads have answered, none has an event of it left to serve.
void Engine::shut(Entrance& entrance) {
  for (auto& loop : loops_) loop->call([&] { loop->stop_accepting(entrance); });
  close(entrance.fd);
}

void Engine::apply(uint32_t id, Table::Content content, std::vector<uint32_t> left) {
  Listener& listener = get(id);
  const uint64_t generation = content.generation;
  const auto next = std::make_shared<Table>(std::move(content));
  next->succeed(listener.table());
  // Each thread's task keeps the table before alive until it is done.
  const auto before = listener.swap(next);
  const auto leaving = std::make_shared<const std::vector<uint32_t>>(std::move(left));
  for (auto& loop : loops_) {
    loop->post([&loop = *loop, &listener, before, leaving, generation] {
      for (Connection* connection : loop.dialling(listener)) connection->adopt(listener.table(), *leaving);
      Event event{EventType::adopted, listener.id()};
      event.number = generation;
      loop.mailbox().post(event);
    });
  }
}

void Engine::let_go(size_t thread, uint64_t held) {
  loops_.at(thread)->post([&loop = *loops_.at(thread), held] {
    if (Connection* connection = loop.take_held(held)) connection->begin();
  });
}

void Engine::refuse_held(size_t thread, uint64_t held, Cause cause) {
  loops_.at(thread)->post([&loop = *loops_.at(thread), held, cause] {
    Connection* connection = loop.take_held(held);
    if (!connection) return;
    if (cause == Cause::shutdown) connection->abort(cause);
    else connection->refuse(reason_of(cause), cause);
  });
}

size_t Engine::cut(uint32_t id, uint32_t slot, size_t most) {
  // Which are the oldest is known only when all threads have been asked.
  std::vector<uint64_t> accepted;
  for_each(id, [&](Connection& connection) {
    if (connection.uses(slot)) accepted.push_back(connection.accepted_unix_ms());
  });
  most = std::min(most, accepted.size());
  if (most == 0) return 0;
  std::nth_element(accepted.begin(), accepted.begin() + static_cast<ptrdiff_t>(most) - 1, accepted.end());
  const uint64_t youngest = accepted[most - 1];
  size_t cut = 0;
  for_each(id, [&](Connection& connection) {
    if (cut == most || !connection.uses(slot) || connection.accepted_unix_ms() > youngest) return;
    connection.leave_target();
    cut += 1;
  });
  return cut;
}

size_t Engine::close_idle(uint32_t id, uint32_t slot, uint64_t idle_ms) {
  size_t closed = 0;
  const uint64_t now = monotonic_ms();
  for_each(id, [&](Connection& connection) {
    if (connection.uses(slot) && connection.close_if_idle(idle_ms, now)) closed += 1;
  });
  return closed;
}

std::optional<uint64_t> Engine::oldest_unix_ms(uint32_t id, uint32_t slot) {
  const Listener& listener = get(id);
  std::optional<uint64_t> oldest;
  for (auto& loop : loops_) {
    loop->call([&] {
      // They stand in the order in which they were accepted.
      const auto& connections = loop->connections();
      const auto first = std::find_if(connections.begin(), connections.end(), [&](const Connection& connection) {
        return connection.is_of(listener) && connection.uses(slot);
      });
      if (first != connections.end()) oldest = std::min(oldest.value_or(UINT64_MAX), first->accepted_unix_ms());
    });
  }
  return oldest;
}

void Engine::stop_accepting(uint32_t id) {
  Listener& listener = get(id);
  listener.set_closing();
  for (auto& entrance : listener.entrances()) shut(*entrance);
  listener.entrances().clear();
  // One that has no entrance has still to see, in each thread, that it is closing.
  for (auto& loop : loops_) loop->call([] {});
}

size_t Engine::abort_all(uint32_t id) {
  size_t aborted = 0;
  for_each(id, [&](Connection& connection) {
    connection.abort(Cause::shutdown);
    aborted += 1;
  });
  return aborted;
}

void Engine::forget(uint32_t id) {
  // Whoever has just counted its last connection off may still be looking at it.
  for (auto& loop : loops_) loop->call([] {});
  listeners_.erase(id);
}

void Engine::for_each(uint32_t id, const std::function<void(Connection&)>& act) {
  const Listener& listener = get(id);
  for (auto& loop : loops_) {
    loop->call([&] {
      auto& connections = loop->connections();
      for (auto next = connections.begin(); next != connections.end();) {
        Connection& connection = *next++;
        if (connection.is_of(listener)) act(connection);
      }
    });
  }
}

}  // namespace seamless
