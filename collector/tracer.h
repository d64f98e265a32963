// SPDX-License-Identifier: MIT
// One run of the collector: the programs, and the thread that turns their records into lines.
#pragma once

#include "dns.h"
#include "drop_names.h"
#include "program.h"
#include "ring_level.h"
#include "writer.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>

struct ring_buffer;

namespace synpipe {

struct Options {
	std::string object; // path of the BPF object
	int fd = 1;
	attempt_config config = {};
	std::vector<std::string> cgroups; // paths
	bool cgroup2 = true;              // whether that hierarchy is mounted
	uint64_t every_ns = 0;            // report the connections that are open this often; 0: never
	bool snapshot = false;            // report those that are still open at the end
	uint64_t count = 0;               // stop after this many attempts; 0: no limit
	std::string header; // written before the first event
	uint32_t ring_bytes = 0;
	std::string dns_object; // path of the BPF object for DNS; empty: no DNS
	std::string dns_cgroup; // where cgroup2 is mounted
};

struct Stats {
	uint64_t out, lost; // attempts: those whose last line was written, and those that were lost
	uint64_t updates, lost_updates; // other lines
	uint64_t bytes;
	uint64_t queued; // bytes in the ring buffer
};

enum class Reason { none, stop, count, closed, error };

struct End {
	Reason reason;
	int error; // errno for Reason::error
	bool output; // whether the error concerns the descriptor that the lines go to
	Stats stats;
	uint64_t pending; // attempts that were still open
	uint64_t open;    // connections that were still open
};

struct Descriptor {
	explicit Descriptor(int fd) : fd(fd) {}
	~Descriptor();
	Descriptor(const Descriptor &) = delete;
	int fd;
};

class Tracer : public std::enable_shared_from_this<Tracer> {
public:
	explicit Tracer(Options options); // throws Failure

	const std::vector<std::string> &unhooked() const { return program_->unhooked(); } // before start()
	// Throws std::exception if no thread can be started. The thread keeps the tracer alive; when it calls `on_end`, it has
	// released everything that it had from the kernel.
	void start(std::function<void(const End &)> on_end);
	// Returns at once. The programs are detached; the thread drains the ring buffer, writes and ends, however long that takes.
	void stop();
	// For the end of the environment: `on_end` is not called any more, and this waits only for a short time.
	void abandon();
	Stats stats() const;
	// Gives up, in all threads of the process, the privileges that stopping does not need, and becomes that user, if one is
	// given. Returns 0 or an errno.
	int drop_privileges(const Identity *identity);

private:
	void run();
	End finish();
	Reason loop();
	void consume();
	Reason wait(bool &stopping, int timeout_ms);
	void watch(int fd, uint32_t events);
	void halt();
	bool round();
	bool record(const attempt_event &event);
	bool write(const attempt_event &event);
	bool lookup(const DnsEvent &event);
	void report_loss(const char *where, uint64_t total, uint64_t &reported, std::atomic<uint64_t> &sum);
	void report_losses(bool last = false);
	void set_clock();
	int until_look();
	int until_due();
	void look();
	void look_last(bool write);
	void looking(const std::function<void()> &look);
	void looked_at(const attempt_event &event);
	void looked_at_beyond(const attempt_event &event);
	void look_at_connections(bool report);
	std::optional<Delta> since_last(const attempt_event &event);
	bool queued(const attempt_event &event);
	Options prepare(Options options);
	static int on_record(void *tracer, void *data, size_t size);
	bool reports(attempt_kind kind) const { return options_.config.report & kind; }
	bool count_reached() const { return options_.count && out_ >= options_.count; }

	DropNames drop_names_;
	const Options options_;
	Descriptor stop_fd_, abandon_fd_, epoll_;
	Format format_;
	Writer writer_;
	std::mutex mutex_; // for program_'s end, on_end_ and ended_
	std::condition_variable ended_changed_;
	std::unique_ptr<Program> program_;
	std::unique_ptr<ring_buffer, void (*)(ring_buffer *)> ring_;
	const RingLevel level_;
	std::unique_ptr<Dns> dns_;
	std::string dns_line_;
	bool finishing_ = false; // look-ups that were held back are written, even after the last attempt that counts
	std::function<void(const End &)> on_end_;
	int failed_ = 0; // errno of an exception in a callback: it cannot pass through libbpf, which is C
	bool ended_ = false;
	uint64_t pending_ = 0, open_ = 0;
	uint64_t reported_[ATTEMPT_DROPS] = {}, reported_missed_ = 0, reported_dns_[2] = {};
	uint64_t next_missed_ns_ = 0; // when to ask the kernel for these next: once a second
	uint64_t next_look_ns_ = 0, due_ns_ = 0;
	static constexpr uint64_t kSweep = 60000000000; // between two looks for connections whose end was missed
	uint64_t next_connections_ns_ = UINT64_MAX;
	struct Figures {
		Delta bytes;
		uint64_t time_ns;
	};
	std::unordered_map<uint64_t, Figures> figures_; // with every_ns: what the last line of each open connection reported
	uint64_t looked_ = 0; // Program::opened() at the last look
	int64_t clock_offset_ = 0; // wall clock minus boot clock
	bool looking_ = false, discarding_ = false; // during a look; nothing is written any more
	std::unordered_set<uint64_t> finished_, closed_; // ids of outcomes and of closed connections that were read during a look
	std::unordered_set<uint64_t> beyond_; // ids of open connections that were made after the last attempt that counts
	std::unordered_map<uint64_t, std::string> connects_; // connect records by id, whose attempts may be pending
	std::atomic<uint64_t> out_{0}, lost_{0}, updates_{0}, lost_updates_{0};
};

} // namespace synpipe
