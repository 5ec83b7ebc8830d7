#include "socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <system_error>

namespace seamless {
namespace {

// Cut to net.core.somaxconn by the kernel.
constexpr int kBacklog = 4096;
// Idle time before the kernel asks a silent peer whether it is still there.
constexpr int kKeepAliveSeconds = 60;

void set_option(int fd, int level, int name, int value) {
  setsockopt(fd, level, name, &value, sizeof value);
}

[[noreturn]] void fail(int error, const char* what) {
  throw std::system_error(error, std::generic_category(), what);
}

}  // namespace

Address parse_address(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) fail(EINVAL, "address");
  Address address;
  address.length = found->ai_addrlen;
  __builtin_memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  return address;
}

Address path_address(const std::string& path) {
  Address address;
  auto& name = reinterpret_cast<sockaddr_un&>(address.storage);
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path) fail(ENAMETOOLONG, "path");
  __builtin_memcpy(name.sun_path, path.c_str(), path.size() + 1);
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

std::pair<std::string, uint16_t> local_address(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  auto* name = reinterpret_cast<sockaddr*>(&storage);
  if (getsockname(fd, name, &length) != 0) fail(errno, "getsockname");
  if (storage.ss_family == AF_UNIX) return {"", uint16_t{0}};
  char host[NI_MAXHOST];
  char service[NI_MAXSERV];
  if (getnameinfo(name, length, host, sizeof host, service, sizeof service,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    fail(EINVAL, "getnameinfo");
  return {host, static_cast<uint16_t>(std::stoi(service))};
}

int open_listener(const Address& address) {
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail(errno, "socket");
  if (address.storage.ss_family != AF_UNIX) set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.storage.ss_family == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  set_no_delay(fd);
  set_keep_alive(fd);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0 ||
      listen(fd, kBacklog) != 0) {
    const int error = errno;
    close(fd);
    fail(error, "listen");
  }
  return fd;
}

void adopt_listener(int fd) {
  int is_listening = 0;
  int type = 0;
  socklen_t length = sizeof(int);
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length) != 0) fail(errno, "getsockopt");
  getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length);
  if (is_listening == 0 || type != SOCK_STREAM) fail(EINVAL, "not a listening stream socket");
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
    fail(errno, "fcntl");
  set_no_delay(fd);
  set_keep_alive(fd);
}

Dial dial(const Address& address) {
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return {-1, errno};
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0) return {fd, 0};
  const int error = errno;
  if (error == EINPROGRESS) return {fd, error};
  close(fd);
  return {-1, error};
}

bool is_exhausted(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

int pending_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

void reset(int fd) {
  const linger at_once{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(fd);
}

void close_socket(int fd) { close(fd); }

void set_no_delay(int fd) { set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

void set_keep_alive(int fd) {
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveSeconds);
}

}  // namespace seamless
