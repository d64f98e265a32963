{
  "targets": [
    {
      "target_name": "pipe",
      "sources": ["pipe.c"],
      "defines": ["NAPI_VERSION=8"],
      "cflags": ["-O2", "-Wall", "-Wextra"],
      "ldflags": ["-s"]
    }
  ]
}
