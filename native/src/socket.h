#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <string>

#include "table.h"

// The system calls on sockets, each under one name.
namespace seamless {

// Address of an IP address (IPv6 with a zone, if it has one) and a port. Throws std::system_error for anything else.
Address parse_address(const std::string& host, uint16_t port);

// The host and port a socket is bound to; "" and 0 if it is a Unix socket.
std::pair<std::string, uint16_t> local_address(int fd);

// The address of a Unix socket. Throws std::system_error if the path is too long.
Address path_address(const std::string& path);

// A listening socket, non-blocking. What it accepts inherits TCP_NODELAY and the keep-alive. Throws std::system_error.
int open_listener(const Address& address);
// The same of a descriptor that the process was given. Throws std::system_error if it is no listening stream socket.
void adopt_listener(int fd);

// Begins to connect: 0 at once, EINPROGRESS, or why it failed; fd is -1 then.
struct Dial {
  int fd;
  int error;
};
Dial dial(const Address& address);

// Out of descriptors or memory: no target is to blame.
bool is_exhausted(int error);

// The error that is pending on a socket.
int pending_error(int fd);

// The peer sees an abort (RST).
void reset(int fd);
void close_socket(int fd);

void set_no_delay(int fd);
void set_keep_alive(int fd);

}  // namespace seamless
