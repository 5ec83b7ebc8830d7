#include "relay.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "socket.h"

namespace seamless {
namespace {

// Full buffers that one direction may pass on before others have their turn.
constexpr int kMostReads = 4;

// Much to read, little to read, and how often in a row it must be much for a pipe to be worth it.
constexpr size_t kMuch = 64 * 1024;
constexpr size_t kLittle = 16 * 1024;
constexpr uint8_t kBulk = 4;

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

ssize_t receive(int fd, const Channels& channels) {
  ssize_t size;
  do size = recv(fd, channels.buffer, channels.buffer_size, 0);
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

Relay::Outcome Relay::advance(const Channels& channels, CounterBlock& counters) {
  bool unfinished = false;
  for (const Side from : {Side::client, Side::backend}) {
    const Outcome outcome = pass_on(from, channels, counters);
    if (outcome == Outcome::unfinished) unfinished = true;
    else if (outcome != Outcome::waits) return outcome;
  }
  // An abort is passed on even if what came before it can't be.
  if (leg(Side::client).failed && !unfinished) return Outcome::client_failed;
  if (leg(Side::backend).failed && !unfinished) return Outcome::backend_failed;
  return unfinished ? Outcome::unfinished : Outcome::waits;
}

Relay::Outcome Relay::pass_on(Side from, const Channels& channels, CounterBlock& counters) {
  Leg& source = leg(from);
  Leg& sink = leg(other(from));
  if (sink.has_unsent()) {
    if (!flush(sink, channels.pipes)) return failure(other(from));
    if (sink.has_unsent()) return Outcome::waits;
    if (source.ended) return finish(from);
  }
  for (int reads = 0; source.readable && !source.ended; reads++) {
    if (reads == kMostReads) return Outcome::unfinished;
    auto pipe = source.bulk >= kBulk ? channels.pipes.take() : nullptr;
    const bool is_copied = !pipe;
    const ssize_t read = pipe ? pipe->fill(source.fd) : receive(source.fd, channels);
    if (read <= 0) {
      const bool is_empty = read < 0 && would_block(errno);
      if (pipe) channels.pipes.give_back(std::move(pipe));
      if (is_empty) {
        source.readable = false;
        break;
      }
      if (read < 0 || source.failed) return failure(from);
      source.ended = true;
      return finish(from);
    }
    const auto size = static_cast<size_t>(read);
    moved_ = true;
    passed_[static_cast<size_t>(from)] += size;
    counters.add(from == Side::client ? kBytesIn : kBytesOut, size);
    if (size >= kMuch && source.bulk < kBulk) source.bulk += 1;
    if (size < kLittle) source.bulk = 0;
    if (!(pipe ? send_or_keep(sink, std::move(pipe), channels.pipes) : send_or_keep(sink, channels.buffer, size)))
      return failure(other(from));
    const bool is_drained = is_copied && size < channels.buffer_size;
    if (is_drained && !source.hung_up) source.readable = false;
    if (sink.has_unsent()) return Outcome::waits;
    // The FIN had come before this was read, and there is nothing between.
    if (is_drained && source.hung_up && !source.failed) {
      source.ended = true;
      return finish(from);
    }
  }
  return Outcome::waits;
}

bool Relay::flush(Leg& sink, PipePool& pipes) {
  if (sink.pipe) return send_or_keep(sink, std::move(sink.pipe), pipes);
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

bool Relay::send_or_keep(Leg& sink, std::unique_ptr<Pipe> pipe, PipePool& pipes) {
  const bool is_fine = pipe->drain(sink.fd);
  if (is_fine && !pipe->is_empty()) sink.pipe = std::move(pipe);
  else pipes.give_back(std::move(pipe));
  return is_fine;
}

void Relay::give_back(PipePool& pipes) {
  for (Leg& each : legs_)
    if (each.pipe) pipes.give_back(std::move(each.pipe));
}

Relay::Outcome Relay::finish(Side from) {
  set_first_to_end(from);
  if (leg(other(from)).has_unsent()) return Outcome::waits;
  if (is_finished(other(from))) return Outcome::ended;
  // Closing says it, once both have ended.
  return shutdown(leg(other(from)).fd, SHUT_WR) == 0 ? Outcome::waits : failure(other(from));
}

}  // namespace seamless
