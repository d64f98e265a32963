# What to-ecs makes of the connects of the benchmark.
{
  "@timestamp": .ts, message: "\(.comm) (\(.pid)) to \(.daddr):\(.dport): \(.error // "attempted")", ecs: {version: "9.4.0"},
  event: {
    module: "synpipe", dataset: "synpipe.\(.type)", kind: "event", category: ["network"], type: ["connection", "start"],
    action: "connection_attempted", outcome: (if .error then "failure" else "unknown" end), sequence: .seq
  },
  network: {transport: "tcp", direction: "egress", type: "ipv\(.family)"},
  source: {ip: .saddr, address: .saddr, port: .sport},
  destination: {ip: .daddr, address: .daddr, port: .dport},
  process: {
    pid: .pid, thread: {id: .tid, name: .comm}, parent: {pid: .ppid}, name: .pcomm, executable: .exe
  },
  user: {id: "\(.uid)", group: {id: "\(.gid)"}},
  related: {ip: [.saddr, .daddr]},
  agent: {type: "synpipe"},
  synpipe: {id, netns, cgroup, via}
}
