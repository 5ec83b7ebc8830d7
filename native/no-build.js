"use strict";

// A failed build must not fail the install: the proxy works without.
console.warn(
  "@seamless/native: not built (it needs Linux, a C++17 compiler and Python); the node engine is used instead",
);
