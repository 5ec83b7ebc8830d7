#include "proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstring>

namespace seamless {
namespace {

constexpr char kSignature[] = "\r\n\r\n\0\r\nQUIT\n";
constexpr size_t kSignatureSize = sizeof kSignature - 1;
constexpr char kProxy = 0x21;
enum Family : char { kUnspecified = 0x00, kTcp4 = 0x11, kTcp6 = 0x21 };

// One end of a connection, in network byte order.
struct End {
  int family = AF_UNSPEC;
  char address[16] = {};
  uint16_t port = 0;

  size_t size() const { return family == AF_INET ? 4 : 16; }
};

// An IPv4 client of a socket for both families is an IPv4 one.
End to_end(const sockaddr_storage& storage) {
  End end;
  if (storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    end.family = AF_INET;
    end.port = in.sin_port;
    std::memcpy(end.address, &in.sin_addr, 4);
  } else if (storage.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
    const bool is_mapped = IN6_IS_ADDR_V4MAPPED(&in.sin6_addr);
    end.family = is_mapped ? AF_INET : AF_INET6;
    end.port = in.sin6_port;
    std::memcpy(end.address, in.sin6_addr.s6_addr + (is_mapped ? 12 : 0), end.size());
  }
  return end;
}

size_t write_line(const End& source, const End& destination, char (&header)[kMostProxyHeader]) {
  char from[INET6_ADDRSTRLEN];
  char to[INET6_ADDRSTRLEN];
  inet_ntop(source.family, source.address, from, sizeof from);
  inet_ntop(destination.family, destination.address, to, sizeof to);
  const int size = std::snprintf(header, sizeof header, "PROXY TCP%c %s %s %u %u\r\n", source.family == AF_INET ? '4' : '6',
                                 from, to, ntohs(source.port), ntohs(destination.port));
  return static_cast<size_t>(size);
}

size_t write_binary(const End& source, const End& destination, char (&header)[kMostProxyHeader]) {
  char* next = header;
  const auto put = [&next](const void* data, size_t size) {
    std::memcpy(next, data, size);
    next += size;
  };
  const bool is_known = source.family != AF_UNSPEC;
  const Family family = !is_known ? kUnspecified : source.family == AF_INET ? kTcp4 : kTcp6;
  const uint16_t length = htons(static_cast<uint16_t>(is_known ? 2 * source.size() + 4 : 0));
  put(kSignature, kSignatureSize);
  put(&kProxy, 1);
  put(&family, 1);
  put(&length, 2);
  if (!is_known) return static_cast<size_t>(next - header);
  put(source.address, source.size());
  put(destination.address, destination.size());
  put(&source.port, 2);
  put(&destination.port, 2);
  return static_cast<size_t>(next - header);
}

}  // namespace

size_t write_proxy_header(uint32_t version, int client, char (&header)[kMostProxyHeader]) {
  sockaddr_storage peer{};
  sockaddr_storage own{};
  socklen_t peer_length = sizeof peer;
  socklen_t own_length = sizeof own;
  End source;
  End destination;
  if (getpeername(client, reinterpret_cast<sockaddr*>(&peer), &peer_length) == 0 &&
      getsockname(client, reinterpret_cast<sockaddr*>(&own), &own_length) == 0) {
    source = to_end(peer);
    destination = to_end(own);
  }
  if (version != 1) return write_binary(source, destination, header);
  if (source.family != AF_UNSPEC) return write_line(source, destination, header);
  constexpr char kUnknown[] = "PROXY UNKNOWN\r\n";
  std::memcpy(header, kUnknown, sizeof kUnknown - 1);
  return sizeof kUnknown - 1;
}

}  // namespace seamless
