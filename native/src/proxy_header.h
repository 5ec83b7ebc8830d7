#pragma once

#include <cstddef>
#include <cstdint>

namespace seamless {

// Room for the longest: a line of version 1 (107 bytes).
constexpr size_t kMostProxyHeader = 128;

// The header of the PROXY protocol (https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt) that says who a client is and
// where it connected to. One that is gone, or came by a Unix socket, is an unknown one. Answers the header's size.
size_t write_proxy_header(uint32_t version, int client, char (&header)[kMostProxyHeader]);

}  // namespace seamless
