{
  "variables": { "triplet": "<!(${CC:-gcc} -print-multiarch)" },
  "targets": [
    {
      "target_name": "collector",
      "sources": ["addon.cc", "archives.c", "dns.cc", "dns_flow.cc", "dns_line.cc", "dns_lookup.cc", "dns_message.cc", "dns_search.cc", "dns_settle.cc", "dns_stream.cc", "drop_names.cc", "event_names.cc", "format.cc", "kernel_types.cc", "load_object.cc", "portable.cc", "privileges.cc", "program.cc", "tracefs.cc", "tracer.cc", "tracer_looks.cc", "writer.cc"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")", "../bpf"],
      "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS", "NODE_ADDON_API_CPP_EXCEPTIONS_ALL"],
      "cflags": ["-O2", "-Wall", "-Wextra"],
      "cflags_cc": ["-std=c++17", "-fexceptions", "-fvisibility=hidden"],
      "cflags_cc!": ["-fno-exceptions", "-std=gnu++17", "-std=gnu++20"],
      # nodelete: if a worker ends, its thread may still be in a blocked write and must keep its code
      "ldflags": ["-L/usr/lib/<(triplet)", "-Wl,-z,nodelete", "-Wl,--exclude-libs,ALL", "-s"],
      # linked statically if there are archives of them
      "libraries": ["<!@(for name in bpf elf z; do if [ -e \"$(${CC:-gcc} -print-file-name=lib$name.a)\" ]; then echo -l:lib$name.a; else echo -l$name; fi; done)", "-lresolv"]
    }
  ]
}
