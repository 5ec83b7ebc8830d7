{
  "targets": [
    {
      "target_name": "seamless_native",
      "conditions": [
        [
          "OS=='linux'",
          {
            "sources": [
              "src/binding.cc",
              "src/connection.cc",
              "src/dialling.cc",
              "src/engine.cc",
              "src/gate.cc",
              "src/loop.cc",
              "src/pipe.cc",
              "src/proxy_header.cc",
              "src/relay.cc",
              "src/socket.cc",
              "src/table.cc",
            ],
            "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
            "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_CPP_EXCEPTIONS", "NODE_ADDON_API_CPP_EXCEPTIONS_ALL"],
            "cflags_cc": ["-std=c++17", "-fexceptions", "-fvisibility=hidden", "-Wall", "-Wextra"],
            "cflags_cc!": ["-fno-exceptions", "-std=gnu++17", "-std=gnu++20"],
          },
          {"type": "none"},
        ]
      ],
    }
  ]
}
