#include "connection.h"

#include <sys/epoll.h>

#include <algorithm>

#include "clock.h"
#include "listener.h"
#include "loop.h"
#include "socket.h"

namespace seamless {

Connection::Connection(Loop& loop, Listener& listener, int socket, const Caller& caller)
    : loop_(loop),
      listener_(listener),
      caller_(caller),
      dial_(std::make_unique<Attempt>()),
      accepted_unix_ms_(unix_ms()) {
  relay_.set_socket(Side::client, socket);
}

Connection::~Connection() {
  for (const Side side : {Side::client, Side::backend}) shut(side, close_socket);
}

void Connection::on_events(Side side, uint32_t events) {
  switch (state_) {
    case State::greeting:
      relay_.note(side, events);
      if (events & (EPOLLERR | EPOLLHUP)) abort(Cause::left_early);
      else read_header();
      break;
    case State::waiting:
      if (side == Side::client && (events & (EPOLLERR | EPOLLHUP))) abort(Cause::left_early);
      else relay_.note(side, events);
      break;
    case State::dialling:
      if (side == Side::client) {
        if (events & (EPOLLERR | EPOLLHUP)) abort(Cause::left_early);
        else relay_.note(side, events);
      } else if (events & (EPOLLERR | EPOLLHUP)) {
        const int error = pending_error(relay_.socket(side));
        on_address_failed(error == 0 ? ECONNREFUSED : error);
      } else if (events & EPOLLOUT) {
        relay_.note(side, events);
        on_connected();
      }
      break;
    case State::open:
      relay_.note(side, events);
      advance();
      break;
    case State::ended:
      break;
  }
}

void Connection::advance() {
  if (state_ == State::open) follow(relay_.advance(loop_.channels(), *target_counters_));
}

void Connection::follow(Relay::Outcome outcome) {
  switch (outcome) {
    case Relay::Outcome::waits:
      break;
    case Relay::Outcome::unfinished:
      loop_.queue(*this);
      break;
    case Relay::Outcome::ended:
      end(relay_.has_ended_first(Side::client) ? Cause::client : Cause::backend);
      for (const Side side : {Side::client, Side::backend}) shut(side, close_socket);
      break;
    case Relay::Outcome::client_failed:
      fail(Side::client);
      break;
    case Relay::Outcome::backend_failed:
      fail(Side::backend);
      break;
  }
}

// A side has failed: it is the one that ended the connection, unless the other had begun to.
void Connection::fail(Side side) {
  relay_.set_first_to_end(side);
  abort(relay_.has_ended_first(Side::client) ? Cause::client : Cause::backend);
}

void Connection::refuse(Reason reason, Cause cause) {
  if (cause == Cause::limit) counters().add(kRefusedFor + static_cast<size_t>(reason), 1);
  Event event = event_of(EventType::refused);
  event.reason = reason;
  event.of = {caller_.number, source()};
  loop_.mailbox().post(event);
  abort(cause);
}

void Connection::abort(Cause cause) {
  if (state_ == State::ended) return;
  const bool was_open = state_ == State::open;
  end(cause);
  shut(Side::client, reset);
  if (was_open) shut(Side::backend, reset);
}

void Connection::shut(Side side, void (*close)(int fd)) {
  const int fd = relay_.socket(side);
  if (fd < 0) return;
  loop_.unwatch(fd);
  close(fd);
  relay_.set_socket(side, -1);
}

void Connection::leave_target() {
  if (state_ == State::open) abort(Cause::drain);
  else if (state_ == State::dialling) leave_dial();
}

bool Connection::close_if_idle(uint64_t wanted_ms, uint64_t now_ms) {
  if (state_ != State::open || idle_ms(now_ms) < wanted_ms) return false;
  end(Cause::idle);
  return true;
}

void Connection::tend(uint64_t now_ms) {
  if (state_ != State::open) return;
  const Settings& settings = listener_.settings();
  const uint64_t limit_ms = relay_.is_half_closed() && settings.half_close_timeout_ms != 0
                                ? settings.half_close_timeout_ms
                                : settings.idle_timeout_ms;
  if (idle_ms(now_ms) >= limit_ms && limit_ms != 0) {
    end(Cause::idle);
    return;
  }
  if (!is_tended_) set_keep_alive(relay_.socket(Side::backend));
  is_tended_ = true;
}

uint64_t Connection::idle_ms(uint64_t now_ms) {
  if (relay_.take_moved()) moved_ms_ = now_ms;
  return now_ms - std::min(moved_ms_, now_ms);
}

void Connection::release_target() {
  if (!target_counters_) return;
  target_counters_->add(kActive, ~uint64_t{0});
  const bool is_last = target_counters_->read(kActive) == 0;
  if (is_last && target_shared_->read(kRetired) != 0) report(EventType::drained);
  target_counters_ = nullptr;
}

void Connection::end(Cause cause) {
  if (state_ == State::dialling) discard_backend();
  if (state_ == State::greeting) loop_.remove_dialling(*this);
  if (state_ == State::waiting && dial_->held_id != 0) {
    loop_.forget_held(dial_->held_id);
    report(EventType::held_left, dial_->held_id);
  }
  if (state_ == State::open) {
    target_counters_->add(kTargetEnds + static_cast<size_t>(cause), 1);
    target_counters_->observe(kLifeTimes, kLifeBounds, (monotonic_ms() - open_since_ms_) * 1'000);
  }
  if (loop_.mailbox().wants_ends()) report_end(cause);
  CounterBlock& totals = counters();
  totals.add(kListenerEnds + static_cast<size_t>(cause), 1);
  totals.add(kOpen, ~uint64_t{0});
  release_target();
  state_ = State::ended;
  relay_.give_back(loop_.channels().pipes);
  listener_.budget().give_back();
  listener_.gate().leave();
  if (known_) listener_.gate().leave_as(*known_);
  if (listener_.is_closing() && totals.read(kOpen) == 0) report(EventType::emptied);
  loop_.bury(*this);
}

bool Connection::watch(Side side) {
  if (side == Side::client && is_client_watched_) return true;
  if (!loop_.watch(relay_.socket(side), *this, side)) return false;
  if (side == Side::client) is_client_watched_ = true;
  return true;
}

CounterBlock& Connection::counters() const { return listener_.totals().of_thread(loop_.index()); }

Event Connection::event_of(EventType type) const {
  Event event{type, listener_.id()};
  event.slot = slot_;
  event.thread = loop_.index();
  return event;
}

void Connection::report(EventType type, uint64_t number, uint64_t more) const {
  Event event = event_of(type);
  event.number = number;
  event.more = more;
  loop_.mailbox().post(event);
}

// Of one that was refused that has been told already.
void Connection::report_end(Cause cause) const {
  if (cause > Cause::left_early) return;
  const bool was_open = state_ == State::open;
  const uint64_t now = unix_ms();
  const uint64_t open_ms = was_open ? monotonic_ms() - open_since_ms_ : 0;
  const uint64_t whole_ms = now > accepted_unix_ms_ ? now - accepted_unix_ms_ : 0;
  Event event = event_of(EventType::ended);
  event.number = static_cast<uint64_t>(cause);
  event.more = was_open ? 1 : 0;
  event.of = {caller_.number, source()};
  event.account = {whole_ms - std::min(open_ms, whole_ms), open_ms, relay_.passed(Side::client), relay_.passed(Side::backend)};
  loop_.mailbox().post(event);
}

}  // namespace seamless
