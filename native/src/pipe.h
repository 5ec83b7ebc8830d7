#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <vector>

namespace seamless {

// A pipe through which bytes pass from socket to socket without being copied (splice(2)).
class Pipe {
 public:
  // nullptr if there are no descriptors left.
  static std::unique_ptr<Pipe> open();
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  // Takes in what a socket has to read, as recv(2) would answer. The pipe must be empty.
  ssize_t fill(int source);
  // Sends what it holds, as much as the socket takes. False if the socket has failed.
  bool drain(int sink);
  bool is_empty() const { return held_ == 0; }

 private:
  Pipe(int output, int input) : output_(output), input_(input) {}

  const int output_;
  const int input_;
  size_t held_ = 0;
};

// The pipes of a thread. Few, as each takes two descriptors: a direction has one only while it passes on in bulk.
class PipePool {
 public:
  explicit PipePool(size_t most) : most_(most) {}

  // nullptr if all are in use.
  std::unique_ptr<Pipe> take();
  void give_back(std::unique_ptr<Pipe> pipe);

 private:
  const size_t most_;
  size_t opened_ = 0;
  std::vector<std::unique_ptr<Pipe>> free_;
};

}  // namespace seamless
