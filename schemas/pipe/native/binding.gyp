{
  "targets": [
    {
      "target_name": "pipe",
      "sources": ["pipe.c", "ahead.c", "../../generated/scan.c"],
      "defines": ["NAPI_VERSION=8"],
      "cflags": ["-O2", "-Wall", "-Wextra", "-fvisibility=hidden", "-ffunction-sections"],
      "ldflags": ["-s", "-static-libgcc", "-Wl,--gc-sections"]
    }
  ]
}
