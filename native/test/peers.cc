#include "peers.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace seamless::testing {
namespace {

// A test that hangs is a failed one.
constexpr timeval kPatience{10, 0};

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int require(int result, const char* what) {
  if (result >= 0) return result;
  perror(what);
  abort();
}

void be_patient(int fd) {
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
}

bool send_all(int fd, const char* data, size_t size) {
  for (size_t sent = 0; sent < size;) {
    const ssize_t now = send(fd, data + sent, size - sent, MSG_NOSIGNAL);
    if (now <= 0) return false;
    sent += static_cast<size_t>(now);
  }
  return true;
}

void echo(int fd) {
  char buffer[16 * 1024];
  be_patient(fd);
  for (ssize_t size; (size = recv(fd, buffer, sizeof buffer, 0)) > 0;)
    if (!send_all(fd, buffer, static_cast<size_t>(size))) break;
  close(fd);
}

void close_with_reset(int fd) {
  const linger at_once{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(fd);
}

// Sends, says that this is all, and reads to the end.
Answer ask_and_compare(int fd, const std::string& question) {
  // Whichever of the two calls comes first after a reset is told of it, and the other sees an end.
  bool was_sent = false;
  std::thread sender([&] {
    was_sent = send_all(fd, question.data(), question.size()) && shutdown(fd, SHUT_WR) == 0;
  });
  std::string answer;
  char buffer[64 * 1024];
  ssize_t size;
  while ((size = recv(fd, buffer, sizeof buffer, 0)) > 0) answer.append(buffer, static_cast<size_t>(size));
  sender.join();
  if (question.compare(0, answer.size(), answer) != 0) return Answer::wrong;
  if (size < 0 || !was_sent) return Answer::reset;
  return answer.size() == question.size() ? Answer::fine : Answer::truncated;
}

}  // namespace

EchoServer::EchoServer() : fd_(require(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")) {
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  auto* name = reinterpret_cast<sockaddr*>(&address);
  require(bind(fd_, name, length), "bind");
  require(listen(fd_, 1024), "listen");
  require(getsockname(fd_, name, &length), "getsockname");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { accept_all(); });
}

EchoServer::~EchoServer() {
  stopping_ = true;
  shutdown(fd_, SHUT_RDWR);
  thread_.join();
  close(fd_);
}

void EchoServer::accept_all() {
  std::vector<std::thread> echoes;
  while (!stopping_) {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) echoes.emplace_back(echo, fd);
  }
  for (std::thread& thread : echoes) thread.join();
}

Answer talk(uint16_t port, uint32_t behaviour) {
  const int fd = require(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  be_patient(fd);
  const sockaddr_in address = loopback(port);
  Answer answer = Answer::fine;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const size_t size = behaviour % 7 == 0 ? 3'000'000 : 100 + behaviour % 5'000;
    const std::string question(size, static_cast<char>('a' + behaviour % 26));
    if (behaviour % 5 == 1) {
      send_all(fd, question.data(), size / 2);
      close_with_reset(fd);
      return answer;
    }
    // One of the kinds leaves at once.
    if (behaviour % 5 != 0) answer = ask_and_compare(fd, question);
  }
  close(fd);
  return answer;
}

}  // namespace seamless::testing
