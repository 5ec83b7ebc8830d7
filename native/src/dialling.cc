// The part of a connection's life from when its client has come until it is open.
#include "connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "clock.h"
#include "listener.h"
#include "loop.h"
#include "proxy_header.h"
#include "socket.h"

namespace seamless {
namespace {

// For a proxy to say whom it speaks for.
constexpr uint64_t kHeaderMs = 5'000;

}  // namespace

void Connection::greet() {
  const Settings& settings = listener_.settings();
  if (settings.proxies.empty() && settings.limits.connections_per_client == 0) {
    begin();
    return;
  }
  if (!is_in(settings.proxies, source())) {
    let_in(source());
  } else if (watch(Side::client)) {
    state_ = State::greeting;
    dial_->deadline_ms = monotonic_ms() + kHeaderMs;
    loop_.add_dialling(*this);
    read_header();
  } else {
    refuse(Reason::descriptors, Cause::limit);
  }
}

void Connection::read_header() {
  char data[kMostRead];
  const int client = relay_.socket(Side::client);
  const ssize_t size = recv(client, data, sizeof data, MSG_PEEK);
  if (size <= 0) {
    if (size == 0 || errno != EAGAIN) abort(Cause::left_early);
    return;
  }
  const ParsedHeader header = parse_proxy_header(data, static_cast<size_t>(size));
  if (header.status == ParsedHeader::Status::incomplete) return;
  if (header.status == ParsedHeader::Status::wrong ||
      recv(client, data, header.size, 0) != static_cast<ssize_t>(header.size)) {
    refuse(Reason::proxy_header, Cause::limit);
    return;
  }
  loop_.remove_dialling(*this);
  dial_->deadline_ms = 0;
  state_ = State::waiting;
  // What has come behind it is read once there is a backend.
  relay_.note(Side::client, EPOLLIN);
  if (header.route.is_known()) route_ = std::make_unique<const Route>(header.route);
  let_in(source());
}

void Connection::let_in(const End& client) {
  const uint32_t most = listener_.settings().limits.connections_per_client;
  if (most != 0) {
    const Gate::Client address = Gate::client_of(client);
    if (!listener_.gate().enter_as(address, most)) {
      refuse(Reason::client_limit, Cause::limit);
      return;
    }
    known_ = address;
  }
  begin();
}

void Connection::begin() {
  dial_->held_id = 0;
  if (listener_.is_paused()) {
    wait(Reason::paused);
    return;
  }
  const Target* target = listener_.take([this] { return hash_of(source()); });
  if (target) dial_target(*target);
  else wait(Reason::no_backend);
}

void Connection::wait(Reason reason) {
  const bool may_wait = !listener_.is_closing() && (listener_.is_paused() || listener_.table().hold_ms() > 0);
  if (!may_wait) {
    refuse(Reason::no_backend, Cause::connect_failed);
    return;
  }
  if (!watch(Side::client)) {
    refuse(Reason::descriptors, Cause::limit);
    return;
  }
  const uint64_t now = monotonic_ms();
  if (dial_->held_since_ms == 0) dial_->held_since_ms = now;
  dial_->held_id = loop_.hold(*this);
  Event event = event_of(EventType::held);
  event.reason = reason;
  event.number = dial_->held_id;
  event.more = now - dial_->held_since_ms;
  event.generation = listener_.table().generation();
  loop_.mailbox().post(event);
}

void Connection::dial_target(const Target& target) {
  state_ = State::dialling;
  slot_ = target.slot.number();
  target_counters_ = &target.slot.of_thread(loop_.index());
  target_shared_ = &target.slot.shared();
  target_counters_->add(kActive, 1);
  dial_->target = &target;
  dial_->tried.push_back(slot_);
  dial_->addresses_left = target.addresses.size();
  dial_->address = target_shared_->read(kPreferredEndpoint) % std::max<size_t>(target.addresses.size(), 1);
  dial_->target_since_us = monotonic_us();
  dial_->target_deadline_ms = monotonic_ms() + listener_.settings().connect_timeout_ms;
  dial_address();
}

// Each address gets its share of the time that is left, as in Go's net.Dialer (dialSerial).
void Connection::dial_address() {
  if (dial_->target->addresses.empty()) {
    on_target_failed(0);
    return;
  }
  const auto [fd, error] = dial(dial_->target->addresses[dial_->address]);
  relay_.set_socket(Side::backend, fd);
  if (fd < 0) {
    on_address_failed(error);
    return;
  }
  if (!watch(Side::client) || !watch(Side::backend)) {
    refuse(Reason::descriptors, Cause::limit);
    return;
  }
  if (error == 0) {
    // Most clients speak first and have done so by now.
    relay_.note(Side::client, EPOLLIN);
    on_connected();
    return;
  }
  const uint64_t now = monotonic_ms();
  const uint64_t left = dial_->target_deadline_ms > now ? dial_->target_deadline_ms - now : 1;
  dial_->deadline_ms = now + std::max<uint64_t>(left / dial_->addresses_left, 1);
  loop_.add_dialling(*this);
}

void Connection::on_dial_deadline() {
  if (state_ == State::greeting) refuse(Reason::proxy_header, Cause::limit);
  else on_address_failed(ETIMEDOUT);
}

void Connection::on_address_failed(int error) {
  discard_backend();
  if (is_exhausted(error)) {
    give_up(Reason::descriptors);
    return;
  }
  dial_->addresses_left -= 1;
  if (dial_->addresses_left == 0) {
    on_target_failed(error);
    return;
  }
  dial_->address = (dial_->address + 1) % dial_->target->addresses.size();
  dial_address();
}

void Connection::on_target_failed(int error) {
  dial_->failures += 1;
  target_counters_->add(kFailed, 1);
  const uint64_t before = target_shared_->cells[kConsecutiveFailures].fetch_add(1, std::memory_order_relaxed);
  Event event = event_of(EventType::connect_failed);
  event.number = static_cast<uint64_t>(error);
  event.more = before + 1;
  event.of = {caller_.number, source()};
  const auto& addresses = dial_->target->addresses;
  if (dial_->address < addresses.size()) event.tried = end_of(addresses[dial_->address].storage);
  loop_.mailbox().post(event);
  try_next_target();
}

void Connection::leave_dial() {
  discard_backend();
  try_next_target();
}

void Connection::try_next_target() {
  release_target();
  const bool may_try = dial_->failures < listener_.settings().max_attempts;
  const Target* next = may_try ? listener_.table().alternative(dial_->tried) : nullptr;
  if (next) dial_target(*next);
  else give_up(Reason::no_backend);
}

void Connection::give_up(Reason reason) {
  release_target();
  state_ = State::waiting;
  dial_->tried.clear();
  dial_->failures = 0;
  if (reason == Reason::descriptors) refuse(reason, Cause::limit);
  else wait(reason);
}

void Connection::on_connected() {
  state_ = State::open;
  auto& failures = target_shared_->cells[kConsecutiveFailures];
  auto& preferred = target_shared_->cells[kPreferredEndpoint];
  if (preferred.load(std::memory_order_relaxed) != dial_->address)
    preferred.store(dial_->address, std::memory_order_relaxed);
  target_counters_->add(kTotal, 1);
  target_counters_->observe(kConnectTimes, kConnectBounds, monotonic_us() - dial_->target_since_us);
  open_since_ms_ = monotonic_ms();
  if (failures.load(std::memory_order_relaxed) != 0 && failures.exchange(0, std::memory_order_relaxed) != 0)
    report(EventType::connect_recovered);
  if (dial_->held_since_ms != 0) report(EventType::held_connected);
  if (dial_->deadline_ms != 0) loop_.remove_dialling(*this);
  dial_.reset();
  if (send_header()) advance();
  else fail(Side::backend);
}

bool Connection::send_header() {
  const uint32_t version = listener_.settings().send_proxy;
  if (version == 0) return true;
  char header[kMostWritten];
  const size_t size = write_proxy_header(version, route(), header);
  return relay_.send_first(Side::backend, header, size);
}

void Connection::adopt(const Table& table, const std::vector<uint32_t>& left) {
  if (state_ != State::dialling) return;
  const auto is_gone = [&table](uint32_t slot) { return table.find(slot) == nullptr; };
  auto& tried = dial_->tried;
  dial_->target = table.find(slot_);
  const bool leaves = !dial_->target || std::find(left.begin(), left.end(), slot_) != left.end();
  tried.erase(std::remove_if(tried.begin(), tried.end(), is_gone), tried.end());
  if (leaves) {
    leave_dial();
    return;
  }
  const size_t count = dial_->target->addresses.size();
  dial_->address %= std::max<size_t>(count, 1);
  dial_->addresses_left = std::clamp<size_t>(dial_->addresses_left, 1, std::max<size_t>(count, 1));
}

// The backend may have accepted without our having heard of it: what is given up must not look like a clean end there.
void Connection::discard_backend() {
  loop_.remove_dialling(*this);
  shut(Side::backend, reset);
}

}  // namespace seamless
