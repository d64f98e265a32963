// SPDX-License-Identifier: MIT
#include "tracer.h"

#include "clock.h"

#include <algorithm>
#include <bpf/libbpf.h>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace synpipe {
namespace {

// Bounds for what to add to the boot clock to get the wall clock.
struct Offset {
	int64_t least, most;
	bool contains(int64_t ns) const { return least <= ns && ns <= most; }
	int64_t middle() const { return least + (most - least) / 2; }
};

Offset read_offset() {
	uint64_t before = now(CLOCK_BOOTTIME), wall = now(CLOCK_REALTIME), after = now(CLOCK_BOOTTIME);
	return {static_cast<int64_t>(wall - after), static_cast<int64_t>(wall - before)};
}

// The pause after a round: this long for each record, within these bounds.
constexpr uint64_t kPauseMicros = 500, kMinPause = 1000, kMaxPause = 10000;

const char *const kWhere[ATTEMPT_DROPS] = {"ring buffer", "update", "attempt table", "close"};

} // namespace

Descriptor::~Descriptor() {
	if (fd >= 0) close(fd);
}

Tracer::Tracer(Options options)
	: options_(prepare(std::move(options))), stop_fd_(eventfd(0, EFD_CLOEXEC)), abandon_fd_(eventfd(0, EFD_CLOEXEC)),
	  epoll_(epoll_create1(EPOLL_CLOEXEC)), writer_(options_.fd, abandon_fd_.fd),
	  program_(std::make_unique<Program>(options_.object, options_.config, options_.cgroups, options_.ring_bytes)),
	  ring_(ring_buffer__new(program_->events_fd(), on_record, this, nullptr), ring_buffer__free),
	  level_(program_->events_fd()) {
	if (!ring_) throw Failure("cannot map the ring buffer", errno, "attach");
	if (!options_.dns_object.empty()) {
		auto report = [this](const DnsEvent &event) { return lookup(event); };
		dns_ = std::make_unique<Dns>(options_.dns_object, options_.dns_cgroup, options_.config, report);
		watch(dns_->packets_fd(), EPOLLIN);
	}
	format_.set_cgroup2(options_.cgroup2);
	if (options_.config.drops) format_.set_drop_names(&drop_names_);
	watch(program_->events_fd(), EPOLLIN);
	watch(stop_fd_.fd, EPOLLIN);
	watch(options_.fd, 0); // errors only: this shows that the reader is gone even if no event comes
}

// Finds out how this kernel reports dropped packets, if that is asked for.
Options Tracer::prepare(Options options) {
	if (options.config.drops && !(options.config.drops = drop_names_.load()))
		throw Failure("cannot see why packets are dropped", ENOTSUP, "drops");
	return options;
}

void Tracer::start(std::function<void(const End &)> on_end) {
	on_end_ = std::move(on_end);
	// Detached: the end of an environment cannot wait for a stuck reader.
	std::thread([self = shared_from_this()] { self->run(); }).detach();
}

void Tracer::stop() {
	// Detaching waits for every CPU, which takes a tenth of a second: too long for the JavaScript thread.
	try {
		std::thread([self = shared_from_this()] { self->halt(); }).detach();
	} catch (const std::exception &) { // no more threads, or no memory
		halt();
	}
}

void Tracer::halt() {
	std::lock_guard<std::mutex> lock(mutex_);
	if (program_) program_->detach();
	if (dns_) dns_->detach();
	eventfd_write(stop_fd_.fd, 1);
}

void Tracer::abandon() {
	halt();
	eventfd_write(abandon_fd_.fd, 1);
	std::unique_lock<std::mutex> lock(mutex_);
	on_end_ = nullptr;
	ended_changed_.wait_for(lock, std::chrono::milliseconds(200), [this] { return ended_; });
}

Stats Tracer::stats() const { return {out_, lost_, updates_, lost_updates_, writer_.bytes(), level_.bytes()}; }

int Tracer::drop_privileges(const Identity *identity) {
	std::lock_guard<std::mutex> lock(mutex_);
	uint64_t keep = program_ && !program_->readable_unprivileged(identity) ? kCapBpf : 0;
	return give_up_privileges_everywhere(keep, identity);
}

void Tracer::run() {
	// Signals are for the main thread.
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, nullptr);

	End end = finish();
	std::lock_guard<std::mutex> lock(mutex_);
	ring_.reset();
	dns_.reset();
	program_.reset();
	end.stats = stats();
	end.pending = pending_;
	end.open = open_;
	for (int tries = 0; on_end_ && tries < 100; tries++) {
		try {
			on_end_(end);
			break;
		} catch (...) { // no memory for the call: others may free some
			usleep(100000);
		}
	}
	ended_ = true;
	ended_changed_.notify_all();
}

// No exception may leave the thread's function.
End Tracer::finish() {
	try {
		Reason reason = loop();
		return {reason, writer_.error(), true, {}, 0, 0};
	} catch (...) {
		return {Reason::error, caught_errno(), false, {}, 0, 0};
	}
}

Reason Tracer::loop() {
	Reason reason = Reason::none;
	bool stopping = false;
	writer_.text(options_.header);
	if (reports(ATTEMPT_CLOSED)) next_connections_ns_ = now(CLOCK_BOOTTIME) + (options_.every_ns ? 0 : kSweep);
	while (reason == Reason::none) {
		bool busy = round();
		if (until_look() == 0) look();
		if (now(CLOCK_BOOTTIME) >= next_connections_ns_) look_at_connections(options_.every_ns);
		if (writer_.error()) reason = Reason::error;
		else if (count_reached()) reason = Reason::count;
		else if (stopping) reason = Reason::stop; // after one more round, for what the kernel had already delivered
		else reason = wait(stopping, busy ? 0 : until_due()); // a busy round is followed by one that reports losses
	}
	program_->detach();
	if (dns_) dns_->detach();
	const bool write = !writer_.error() && reason != Reason::closed;
	if (write && reason != Reason::count) round(); // what ended or was reported in the meantime
	if (dns_ && write) finishing_ = true, dns_->finish();
	look_last(write);
	report_losses(true);
	writer_.flush();
	if (writer_.error()) reason = writer_.error() == EPIPE ? Reason::closed : Reason::error;
	return reason;
}

void Tracer::watch(int fd, uint32_t events) {
	epoll_event event = {};
	event.events = events;
	event.data.fd = fd;
	// EPERM: a regular file, which cannot be watched. Any other bad descriptor shows at the first write.
	if (epoll_ctl(epoll_.fd, EPOLL_CTL_ADD, fd, &event) && fd != options_.fd)
		throw Failure("cannot wait for events", errno, "attach");
}

// Returns the reason to stop at once, or Reason::none to continue.
Reason Tracer::wait(bool &stopping, int timeout_ms) {
	epoll_event events[3];
	int count = epoll_wait(epoll_.fd, events, 3, timeout_ms);
	for (int i = 0; i < count; i++) {
		if (events[i].data.fd == stop_fd_.fd) stopping = true;
		else if (events[i].data.fd == options_.fd) return Reason::closed;
	}
	return Reason::none;
}

// Formats and writes everything that is there. Then pauses, longer the more there was: during the pause, records do not cost
// the connecting threads a wake-up of this one. After a time without records, the first one never waits.
bool Tracer::round() {
	set_clock();
	report_losses();
	uint64_t before = out_ + updates_;
	bool queries = dns_ && dns_->consume();
	consume();
	writer_.flush();
	uint64_t records = out_ + updates_ - before;
	bool busy = records > 0 || queries;
	if (busy) usleep(std::clamp(records * kPauseMicros, kMinPause, kMaxPause));
	return busy;
}

void Tracer::consume() {
	ring_buffer__consume(ring_.get());
	if (int error = std::exchange(failed_, 0)) throw Failure("cannot read the ring buffer", error, "read");
}

int Tracer::on_record(void *tracer, void *data, size_t) {
	auto self = static_cast<Tracer *>(tracer);
	try {
		return self->queued(*static_cast<attempt_event *>(data)) ? 0 : -ECANCELED;
	} catch (...) {
		self->failed_ = caught_errno();
		return -ECANCELED;
	}
}

// Takes a record from the ring buffer. Returns false to take no more.
bool Tracer::queued(const attempt_event &event) {
	// If the attempt had to wait for a DNS answer, that is there by now, and is reported first.
	if (dns_) dns_->consume();
	if (event.kind == ATTEMPT_SYMBOL) {
		drop_names_.add(event);
		return true;
	}
	if (!looking_) return record(event);
	looked_at(event);
	return true;
}

bool Tracer::lookup(const DnsEvent &event) {
	if (count_reached() && !finishing_) return false;
	updates_++;
	dns_line_.clear();
	put_dns(dns_line_, format_, event, out_ + updates_);
	return writer_.text(dns_line_);
}

// Both clocks are slewed alike, so the offset changes only if somebody sets the clock. Until then it is kept as it is;
// otherwise one moment could be written in two ways, since this thread may be paused between two readings.
void Tracer::set_clock() {
	Offset offset = read_offset();
	if (offset.contains(clock_offset_)) return;
	for (int i = 0; i < 16; i++)
		if (Offset other = read_offset(); other.most - other.least < offset.most - offset.least) offset = other;
	clock_offset_ = offset.middle();
	format_.set_clock(clock_offset_);
}

int Tracer::until_due() {
	const uint64_t due = std::min(next_look_ns_, next_connections_ns_);
	return until(dns_ ? std::min(due, dns_->due_ns()) : due);
}

// Writes a record. Returns false to take no more.
bool Tracer::record(const attempt_event &event) {
	const bool last = event.kind == (reports(ATTEMPT_OUTCOME) ? ATTEMPT_OUTCOME : ATTEMPT_CONNECT);
	if (last && count_reached()) return false;
	(last ? out_ : updates_)++;
	const std::optional<Delta> delta = since_last(event);
	return writer_.commit(format_.attempt(writer_.line(), event, out_ + updates_, delta ? &*delta : nullptr)) &&
		   !(last && count_reached());
}

void Tracer::report_losses(bool last) {
	for (int reason = 0; reason < ATTEMPT_DROPS; reason++)
		report_loss(kWhere[reason], program_->drops(static_cast<attempt_drop>(reason)), reported_[reason],
					reason == ATTEMPT_DROP_UPDATE || reason == ATTEMPT_DROP_CLOSE ? lost_updates_ : lost_);
	if (uint64_t time = now(CLOCK_BOOTTIME); last || time >= next_missed_ns_) {
		next_missed_ns_ = time + 1000000000;
		report_loss("busy program", program_->missed(), reported_missed_, lost_);
	}
	if (!dns_) return;
	report_loss("dns ring buffer", dns_->dropped(), reported_dns_[0], lost_updates_);
	report_loss("dns answer", dns_->lost(), reported_dns_[1], lost_updates_);
}

void Tracer::report_loss(const char *where, uint64_t total, uint64_t &reported, std::atomic<uint64_t> &sum) {
	if (total <= reported) return; // some of what was missed may have been found since
	uint64_t fresh = total - reported;
	reported = total;
	sum += fresh;
	writer_.commit(format_.lost(writer_.line(), now(CLOCK_BOOTTIME), where, fresh));
}

} // namespace synpipe
