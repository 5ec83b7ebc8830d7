#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// The PROXY protocol: https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt
namespace seamless {

// One end of a connection, in network byte order. An IPv4 address of a socket for both families is an IPv4 one.
struct End {
  int family = AF_UNSPEC;
  uint8_t address[16] = {};
  uint16_t port = 0;

  size_t size() const { return family == AF_INET ? 4 : 16; }
};

// Who connected to whom. Unknown of a Unix socket.
struct Route {
  End source;
  End destination;

  bool is_known() const { return source.family != AF_UNSPEC; }
};

// Of a socket's address; unknown (AF_UNSPEC) of a Unix socket.
End end_of(const sockaddr_storage& storage);
End local_end(int fd);

// Of its address; that of an unknown one is one. The same as in src/engine/node/client-hash.ts.
uint32_t hash_of(const End& end);

// Addresses that begin with the same bits.
class Network {
 public:
  // As `10.0.0.0/8` or `2001:db8::/32`, which must be right.
  explicit Network(const std::string& text);
  bool contains(const End& end) const;

 private:
  int family_;
  uint8_t address_[16] = {};
  unsigned bits_;
};

bool is_in(const std::vector<Network>& networks, const End& end);

// Room for the longest that is written: a line of version 1 (107 bytes).
constexpr size_t kMostWritten = 128;
// And of those that are read: addresses take 52 bytes in version 2, the rest are additions, which are skipped.
constexpr size_t kMostRead = 4096;

// Answers the header's size.
size_t write_proxy_header(uint32_t version, const Route& route, char (&header)[kMostWritten]);

struct ParsedHeader {
  enum class Status : uint8_t { complete, incomplete, wrong } status;
  size_t size = 0;
  // Unknown of a connection that the other proxy has made for itself.
  Route route;
};

ParsedHeader parse_proxy_header(const char* data, size_t size);

}  // namespace seamless
