// Clients of every kind on several threads, while the table changes, connections are cut, closed for idleness, held and
// let go, and counters are read: for ThreadSanitizer and AddressSanitizer, which can't see into node. Fails if bytes came
// back wrong, a connection is unaccounted for, or a descriptor is left.
#include <dirent.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "../src/engine.h"
#include "../src/socket.h"
#include "peers.h"

namespace seamless {
namespace {

constexpr size_t kLoops = 3;
constexpr size_t kClients = 6;
constexpr size_t kServers = 3;
constexpr uint32_t kTotalsSlot = 0;

size_t open_descriptors() {
  size_t count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder)) count += 1;
  closedir(folder);
  return count;
}

Table::Content table_of(Engine& engine, const testing::EchoServer* servers, std::mt19937& random, uint64_t generation) {
  Table::Content content;
  content.choice = static_cast<Choice>(random() % 4);
  content.generation = generation;
  content.hold_ms = 200;
  for (uint32_t i = 0; i < kServers; i++) {
    // The last resort of some tables is an address where nobody listens.
    const uint16_t port = random() % 8 == 0 ? 1 : servers[i].port();
    content.targets.push_back({engine.slot(i + 1), {parse_address("127.0.0.1", port)}});
    if (random() % 4 != 0) content.sequence.push_back(i);
  }
  return content;
}

uint64_t sum(const CounterBlock& block, size_t first, size_t last) {
  uint64_t total = 0;
  for (size_t cell = first; cell <= last; cell++) total += block.read(cell);
  return total;
}

// Holds, as JavaScript would: half of the connections are let go, the others refused.
void answer_events(Engine& engine) {
  for (const Event& event : engine.events()) {
    if (event.type != EventType::held) continue;
    if (event.number % 2 == 0) engine.let_go(event.thread, event.number);
    else engine.refuse_held(event.thread, event.number, Cause::hold_expired);
  }
}

int run(uint32_t connections) {
  std::atomic<uint32_t> left{connections};
  std::atomic<uint32_t> wrong{0};
  std::atomic<uint32_t> truncated{0};
  uint64_t accepted = 0;
  uint64_t accounted = 0;
  uint64_t idle = 0;
  {
    const testing::EchoServer servers[kServers];
    Engine engine(kLoops, 200, true, [] {});
    Settings settings;
    settings.connect_timeout_ms = 500;
    settings.max_attempts = 3;
    const uint32_t id = engine.create(settings, kTotalsSlot);
    const int entrance = open_listener(parse_address("127.0.0.1", 0));
    const uint16_t port = local_address(entrance).second;
    engine.open(id, entrance);
    std::vector<std::thread> clients;
    for (uint32_t seed = 0; seed < kClients; seed++) {
      clients.emplace_back([&, seed] {
        std::mt19937 random(seed);
        for (uint32_t before = left.load(); before > 0; before = left.load()) {
          if (!left.compare_exchange_weak(before, before - 1)) continue;
          const testing::Answer answer = testing::talk(port, static_cast<uint32_t>(random()));
          if (answer == testing::Answer::wrong) wrong += 1;
          if (answer == testing::Answer::truncated) truncated += 1;
        }
      });
    }
    std::mt19937 random(42);
    for (uint64_t generation = 1; left > 0; generation++) {
      engine.apply(id, table_of(engine, servers, random, generation), {static_cast<uint32_t>(random() % kServers) + 1});
      engine.set_paused(id, random() % 16 == 0);
      const auto slot = static_cast<uint32_t>(random() % kServers) + 1;
      if (random() % 8 == 0) engine.cut(id, slot, 1);
      if (random() % 8 == 0) engine.close_idle(id, slot, 5);
      engine.oldest_unix_ms(id, slot);
      settings.limits.connections_per_client = random() % 4 == 0 ? 1'000 : 0;
      settings.limits.accepts_per_second = random() % 4 == 0 ? 1'000'000 : 0;
      engine.configure(id, settings);
      answer_events(engine);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    engine.set_paused(id, false);
    engine.stop_accepting(id);
    answer_events(engine);
    engine.abort_all(id);
    for (std::thread& client : clients) client.join();
    for (size_t thread = 0; thread < kLoops; thread++) {
      const CounterBlock& totals = engine.slot(kTotalsSlot).of_thread(thread);
      accepted += totals.read(kAccepted);
      accounted += sum(totals, kListenerEnds, kRefusedByLimit);
      idle += totals.read(kListenerEnds + static_cast<size_t>(Cause::idle));
      if (totals.read(kOpen) != 0) wrong += 1;
    }
    engine.forget(id);
  }
  printf("%lu accepted, %lu accounted for, %u wrong, %u truncated of %lu closed for idleness\n", accepted, accounted,
         wrong.load(), truncated.load(), idle);
  const bool is_right = wrong == 0 && truncated <= idle && accepted == accounted;
  return is_right ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace seamless

int main(int count, char** arguments) {
  const size_t before = seamless::open_descriptors();
  const int result = seamless::run(count > 1 ? static_cast<uint32_t>(atoi(arguments[1])) : 2'000);
  const size_t after = seamless::open_descriptors();
  if (after != before) {
    printf("%zu descriptors before, %zu after\n", before, after);
    return EXIT_FAILURE;
  }
  return result;
}
