#include "pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace seamless {
namespace {

// More needs no fewer calls: sockets seldom have more to read at once. The kernel may give less.
constexpr int kPipeBytes = 512 * 1024;

ssize_t move(int from, int to, size_t size) {
  ssize_t moved;
  do moved = splice(from, nullptr, to, nullptr, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  while (moved < 0 && errno == EINTR);
  return moved;
}

}  // namespace

std::unique_ptr<Pipe> Pipe::open() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return nullptr;
  fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);
  return std::unique_ptr<Pipe>(new Pipe(ends[0], ends[1]));
}

Pipe::~Pipe() {
  close(output_);
  close(input_);
}

ssize_t Pipe::fill(int source) {
  const ssize_t size = move(source, input_, kPipeBytes);
  if (size > 0) held_ = static_cast<size_t>(size);
  return size;
}

bool Pipe::drain(int sink) {
  while (held_ > 0) {
    const ssize_t sent = move(output_, sink, held_);
    if (sent < 0) return errno == EAGAIN;
    held_ -= static_cast<size_t>(sent);
  }
  return true;
}

std::unique_ptr<Pipe> PipePool::take() {
  if (!free_.empty()) {
    auto pipe = std::move(free_.back());
    free_.pop_back();
    return pipe;
  }
  if (opened_ == most_) return nullptr;
  auto pipe = Pipe::open();
  if (pipe) opened_ += 1;
  return pipe;
}

void PipePool::give_back(std::unique_ptr<Pipe> pipe) {
  // What is in it belongs to a connection that has ended: nobody else may get it.
  if (pipe->is_empty()) free_.push_back(std::move(pipe));
  else opened_ -= 1;
}

}  // namespace seamless
