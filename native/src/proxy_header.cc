#include "proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace seamless {
namespace {

constexpr char kSignature[] = "\r\n\r\n\0\r\nQUIT\n";
constexpr size_t kSignatureSize = sizeof kSignature - 1;
constexpr char kProxy = 0x21;
enum Family : char { kUnspecified = 0x00, kTcp4 = 0x11, kTcp6 = 0x21 };

size_t write_line(const Route& route, char (&header)[kMostWritten]) {
  const auto& [source, destination] = route;
  char from[INET6_ADDRSTRLEN];
  char to[INET6_ADDRSTRLEN];
  inet_ntop(source.family, source.address, from, sizeof from);
  inet_ntop(destination.family, destination.address, to, sizeof to);
  const int size = std::snprintf(header, sizeof header, "PROXY TCP%c %s %s %u %u\r\n", source.family == AF_INET ? '4' : '6',
                                 from, to, ntohs(source.port), ntohs(destination.port));
  return static_cast<size_t>(size);
}

size_t write_binary(const Route& route, char (&header)[kMostWritten]) {
  const auto& [source, destination] = route;
  char* next = header;
  const auto put = [&next](const void* data, size_t size) {
    std::memcpy(next, data, size);
    next += size;
  };
  const bool is_known = route.is_known();
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

ParsedHeader wrong() { return {ParsedHeader::Status::wrong, 0, {}}; }
ParsedHeader incomplete() { return {ParsedHeader::Status::incomplete, 0, {}}; }

bool parse_port(const char* text, uint16_t& port) {
  char* end = nullptr;
  const unsigned long number = std::strtoul(text, &end, 10);
  if (*text < '0' || *text > '9' || *end != '\0' || number > 65'535) return false;
  port = htons(static_cast<uint16_t>(number));
  return true;
}

bool parse_end(int family, const char* address, const char* port, End& end) {
  end.family = family;
  return inet_pton(family, address, end.address) == 1 && parse_port(port, end.port);
}

// Version 1: a line of at most 107 bytes.
ParsedHeader parse_line(const char* data, size_t size) {
  constexpr size_t kMostLine = 107;
  const size_t most = std::min(size, kMostLine);
  const char* const end = std::search(data, data + most, "\r\n", "\r\n" + 2);
  if (end == data + most) return size < kMostLine ? incomplete() : wrong();
  const size_t length = static_cast<size_t>(end - data);
  char line[kMostLine + 1];
  std::memcpy(line, data, length);
  line[length] = '\0';
  ParsedHeader parsed{ParsedHeader::Status::complete, length + 2, {}};
  if (std::strncmp(line, "PROXY UNKNOWN", 13) == 0 && (line[13] == '\0' || line[13] == ' ')) return parsed;
  const auto is_blank = [](char c) { return c <= ' ' && c != ' '; };
  if (std::count(line, line + length, ' ') != 5 || std::any_of(line, line + length, is_blank)) return wrong();
  char family = 0;
  char source[46];
  char destination[46];
  char source_port[6];
  char destination_port[6];
  int read = 0;
  const int fields = std::sscanf(line, "PROXY TCP%c %45s %45s %5s %5s%n", &family, source, destination, source_port,
                                 destination_port, &read);
  if (fields != 5 || static_cast<size_t>(read) != length || (family != '4' && family != '6')) return wrong();
  const int kind = family == '4' ? AF_INET : AF_INET6;
  const bool is_right = parse_end(kind, source, source_port, parsed.route.source) &&
                        parse_end(kind, destination, destination_port, parsed.route.destination);
  return is_right ? parsed : wrong();
}

// Version 2: 16 bytes, of which the last two are the length of the rest.
ParsedHeader parse_binary(const char* data, size_t size) {
  constexpr size_t kHead = 16;
  if (size < kHead) return incomplete();
  const auto byte = [data](size_t at) { return static_cast<uint8_t>(data[at]); };
  const unsigned command = byte(12);
  const unsigned family = byte(13);
  const size_t length = static_cast<size_t>(byte(14)) << 8 | byte(15);
  if (command != 0x20 && command != 0x21) return wrong();
  if (kHead + length > kMostRead) return wrong();
  if (size < kHead + length) return incomplete();
  ParsedHeader parsed{ParsedHeader::Status::complete, kHead + length, {}};
  // The proxy's own connection, or a family that says nothing of clients by TCP.
  if (command == 0x20 || (family != kTcp4 && family != kTcp6)) return parsed;
  auto& [source, destination] = parsed.route;
  source.family = destination.family = family == kTcp4 ? AF_INET : AF_INET6;
  const size_t width = source.size();
  if (length < 2 * width + 4) return wrong();
  std::memcpy(source.address, data + kHead, width);
  std::memcpy(destination.address, data + kHead + width, width);
  std::memcpy(&source.port, data + kHead + 2 * width, 2);
  std::memcpy(&destination.port, data + kHead + 2 * width + 2, 2);
  return parsed;
}

bool begins_with(const char* data, size_t size, const char* expected, size_t length) {
  return std::memcmp(data, expected, std::min(size, length)) == 0;
}

}  // namespace

End end_of(const sockaddr_storage& storage) {
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

End local_end(int fd) {
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  return getsockname(fd, reinterpret_cast<sockaddr*>(&own), &length) == 0 ? end_of(own) : End{};
}

uint32_t hash_of(const End& end) {
  uint32_t value = 0x811c9dc5;
  const size_t size = end.family == AF_UNSPEC ? 0 : end.size();
  for (size_t i = 0; i < size; i++) value = (value ^ end.address[i]) * 0x01000193;
  value = (value ^ (value >> 16)) * 0x85ebca6b;
  value = (value ^ (value >> 13)) * 0xc2b2ae35;
  return value ^ (value >> 16);
}

Network::Network(const std::string& text) : family_(text.find(':') == std::string::npos ? AF_INET : AF_INET6) {
  const size_t slash = text.find('/');
  inet_pton(family_, text.substr(0, slash).c_str(), address_);
  bits_ = static_cast<unsigned>(std::stoul(text.substr(slash + 1)));
}

bool Network::contains(const End& end) const {
  if (end.family != family_) return false;
  const size_t whole = bits_ / 8;
  if (std::memcmp(end.address, address_, whole) != 0) return false;
  const unsigned rest = bits_ % 8;
  return rest == 0 || (end.address[whole] ^ address_[whole]) >> (8 - rest) == 0;
}

bool is_in(const std::vector<Network>& networks, const End& end) {
  return std::any_of(networks.begin(), networks.end(), [&end](const Network& each) { return each.contains(end); });
}

size_t write_proxy_header(uint32_t version, const Route& route, char (&header)[kMostWritten]) {
  if (version != 1) return write_binary(route, header);
  if (route.is_known()) return write_line(route, header);
  constexpr char kUnknown[] = "PROXY UNKNOWN\r\n";
  std::memcpy(header, kUnknown, sizeof kUnknown - 1);
  return sizeof kUnknown - 1;
}

ParsedHeader parse_proxy_header(const char* data, size_t size) {
  constexpr char kLine[] = "PROXY ";
  if (size == 0) return incomplete();
  if (begins_with(data, size, kSignature, kSignatureSize)) return parse_binary(data, size);
  if (begins_with(data, size, kLine, sizeof kLine - 1)) return parse_line(data, size);
  return wrong();
}

}  // namespace seamless
