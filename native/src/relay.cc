#include "relay.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "socket.h"

namespace seamless {
namespace {

// Full buffers that one direction may pass on before others have their turn.
constexpr int kMostReads = 4;

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

ssize_t receive(int fd, Buffer buffer) {
  ssize_t size;
  do size = recv(fd, buffer.data, buffer.size, 0);
  while (size < 0 && errno == EINTR);
  return size;
}

// How much of it the kernel took; -1 if the socket has failed.
ssize_t send_some(int fd, const char* data, size_t size) {
  ssize_t sent;
  do sent = send(fd, data, size, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent < 0 && would_block(errno) ? 0 : sent;
}

}  // namespace

void Relay::note(Side side, uint32_t events) {
  Leg& noted = leg(side);
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) noted.readable = true;
  if (events & (EPOLLRDHUP | EPOLLHUP)) noted.hung_up = true;
  if (events & EPOLLERR) noted.failed = true;
}

Relay::Outcome Relay::advance(Buffer buffer, CounterBlock& counters) {
  bool unfinished = false;
  for (const Side from : {Side::client, Side::backend}) {
    const Outcome outcome = pass_on(from, buffer, counters);
    if (outcome == Outcome::unfinished) unfinished = true;
    else if (outcome != Outcome::waits) return outcome;
  }
  // An abort is passed on even if what came before it can't be.
  if (leg(Side::client).failed && !unfinished) return Outcome::client_failed;
  if (leg(Side::backend).failed && !unfinished) return Outcome::backend_failed;
  return unfinished ? Outcome::unfinished : Outcome::waits;
}

Relay::Outcome Relay::pass_on(Side from, Buffer buffer, CounterBlock& counters) {
  Leg& source = leg(from);
  Leg& sink = leg(other(from));
  if (sink.backlog) {
    if (!flush(sink)) return failure(other(from));
    if (sink.backlog) return Outcome::waits;
    if (source.ended) return finish(from);
  }
  for (int reads = 0; source.readable && !source.ended; reads++) {
    if (reads == kMostReads) return Outcome::unfinished;
    const ssize_t size = receive(source.fd, buffer);
    if (size < 0 && !would_block(errno)) return failure(from);
    if (size < 0) {
      source.readable = false;
      break;
    }
    if (size == 0) {
      if (source.failed) return failure(from);
      source.ended = true;
      return finish(from);
    }
    moved_ = true;
    counters.add(from == Side::client ? kBytesIn : kBytesOut, static_cast<uint64_t>(size));
    if (!send_or_keep(sink, buffer.data, static_cast<size_t>(size))) return failure(other(from));
    const bool is_drained = static_cast<size_t>(size) < buffer.size;
    if (is_drained && !source.hung_up) source.readable = false;
    if (sink.backlog) return Outcome::waits;
    // The FIN had come before this was read, and there is nothing between.
    if (is_drained && source.hung_up && !source.failed) {
      source.ended = true;
      return finish(from);
    }
  }
  return Outcome::waits;
}

bool Relay::flush(Leg& sink) {
  Backlog& backlog = *sink.backlog;
  const size_t left = backlog.bytes.size() - backlog.sent;
  const ssize_t sent = send_some(sink.fd, backlog.bytes.data() + backlog.sent, left);
  if (sent < 0) return false;
  backlog.sent += static_cast<size_t>(sent);
  if (static_cast<size_t>(sent) == left) sink.backlog.reset();
  return true;
}

bool Relay::send_or_keep(Leg& sink, const char* data, size_t size) {
  // The first piece never waits for an acknowledgement, so that a connection with one question is spared the call. What
  // clients are sent needs none: their sockets have it from the listening one.
  if (&sink == &leg(Side::backend)) {
    if (has_sent_ && !no_delay_) {
      set_no_delay(sink.fd);
      no_delay_ = true;
    }
    has_sent_ = true;
  }
  const ssize_t sent = send_some(sink.fd, data, size);
  if (sent < 0) return false;
  if (static_cast<size_t>(sent) == size) return true;
  sink.backlog = std::make_unique<Backlog>();
  sink.backlog->bytes.assign(data + sent, data + size);
  return true;
}

Relay::Outcome Relay::finish(Side from) {
  set_first_to_end(from);
  if (leg(other(from)).backlog) return Outcome::waits;
  if (is_finished(other(from))) return Outcome::ended;
  // Closing says it, once both have ended.
  return shutdown(leg(other(from)).fd, SHUT_WR) == 0 ? Outcome::waits : failure(other(from));
}

}  // namespace seamless
