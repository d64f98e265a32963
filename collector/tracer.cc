// SPDX-License-Identifier: MIT
#include "tracer.h"


#include <algorithm>
#include <bpf/libbpf.h>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>

namespace synpipe {
namespace {

uint64_t now(clockid_t clock) {
	timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

// So much for each record of the last round, between these two.
constexpr uint64_t kPauseMicros = 500, kPauseLeast = 1000, kPauseMost = 10000;

const char *const kWhere[ATTEMPT_DROPS] = {"ring buffer", "attempt table"};

} // namespace

Descriptor::~Descriptor() {
	if (fd >= 0) close(fd);
}

Tracer::Tracer(Options options)
	: options_(std::move(options)), stop_fd_(eventfd(0, EFD_CLOEXEC)), abandon_fd_(eventfd(0, EFD_CLOEXEC)),
	  epoll_(epoll_create1(EPOLL_CLOEXEC)), writer_(options_.fd, abandon_fd_.fd),
	  program_(std::make_unique<Program>(options_.object, options_.config, options_.cgroups, options_.ring_bytes)),
	  ring_(ring_buffer__new(program_->events_fd(), on_record, this, nullptr), ring_buffer__free),
	  level_(program_->events_fd()) {
	if (!ring_) throw Failure("cannot map the ring buffer", errno, "attach");
	if (!options_.dns_object.empty()) {
		auto tell = [this](const DnsAnswer &found) { return answer(found); };
		dns_ = std::make_unique<Dns>(options_.dns_object, options_.dns_cgroup, options_.config, tell);
		watch(dns_->packets_fd(), EPOLLIN);
	}
	format_.set_cgroup2(options_.cgroup2);
	watch(program_->events_fd(), EPOLLIN);
	watch(stop_fd_.fd, EPOLLIN);
	watch(options_.fd, 0); // errors only: a reader that has gone shows even when no event comes
}

void Tracer::start(std::function<void(const End &)> on_end) {
	on_end_ = std::move(on_end);
	// Detached: the end of an environment can't wait for a reader that is stuck.
	std::thread([self = shared_from_this()] { self->run(); }).detach();
}

void Tracer::stop() {
	// Detaching waits for every CPU, a tenth of a second: not on the JavaScript thread.
	try {
		std::thread([self = shared_from_this()] { self->halt(); }).detach();
	} catch (const std::system_error &) { // no more threads
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

Stats Tracer::stats() const { return {out_, lost_, writer_.bytes(), level_.bytes()}; }

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

	Reason reason = loop();
	std::lock_guard<std::mutex> lock(mutex_);
	ring_.reset();
	dns_.reset();
	program_.reset();
	if (on_end_) on_end_({reason, writer_.error(), stats(), pending_});
	ended_ = true;
	ended_changed_.notify_all();
}

Reason Tracer::loop() {
	Reason reason = Reason::none;
	bool stopping = false;
	writer_.text(options_.header);
	while (reason == Reason::none) {
		bool busy = round();
		if (writer_.error()) reason = Reason::error;
		else if (counted()) reason = Reason::count;
		else if (stopping) reason = Reason::stop; // after a round for what the kernel had already handed over
		else reason = wait(stopping, busy ? 0 : -1); // what was lost while it was busy is told in the next round
	}
	program_->detach();
	if (dns_) dns_->detach();
	report_open(reason == Reason::stop);
	report_losses(true);
	writer_.flush();
	if (writer_.error()) reason = writer_.error() == EPIPE ? Reason::closed : Reason::error;
	return reason;
}

void Tracer::watch(int fd, uint32_t events) {
	epoll_event event = {};
	event.events = events;
	event.data.fd = fd;
	// EPERM: a regular file, which has nothing to tell. Another bad descriptor shows at the first write.
	if (epoll_ctl(epoll_.fd, EPOLL_CTL_ADD, fd, &event) && fd != options_.fd)
		throw Failure("cannot wait for events", errno, "attach");
}

// A reason to end at once, or none.
Reason Tracer::wait(bool &stopping, int timeout_ms) {
	epoll_event events[3];
	int count = epoll_wait(epoll_.fd, events, 3, timeout_ms);
	for (int i = 0; i < count; i++) {
		if (events[i].data.fd == stop_fd_.fd) stopping = true;
		else if (events[i].data.fd == options_.fd) return Reason::closed;
	}
	return Reason::none;
}

// All that is there: into the buffer, and out. The next round is a little later, and the more there was the later: until
// then records cost the connecting threads no wake-up of this one. The first record after a pause never waits.
bool Tracer::round() {
	format_.set_clock(now(CLOCK_REALTIME) - now(CLOCK_BOOTTIME));
	report_losses();
	uint64_t before = out_;
	bool queries = dns_ && dns_->consume();
	ring_buffer__consume(ring_.get());
	writer_.flush();
	uint64_t records = out_ - before;
	bool busy = records > 0 || queries;
	if (busy) usleep(std::clamp(records * kPauseMicros, kPauseLeast, kPauseMost));
	return busy;
}

int Tracer::on_record(void *tracer, void *data, size_t) {
	auto self = static_cast<Tracer *>(tracer);
	// The answer that an attempt had to wait for is there by now: it comes before it.
	if (self->dns_) self->dns_->consume();
	if (self->counted()) return -ECANCELED;
	return self->record(*static_cast<attempt_event *>(data));
}

bool Tracer::answer(const DnsAnswer &found) {
	out_++;
	dns_line_.clear();
	put_dns(dns_line_, format_, found, out_);
	return writer_.text(dns_line_) && !counted();
}

// What began but has not ended: told now, if it was to be told at its end. Its port is not known yet.
void Tracer::report_open(bool tell) {
	const bool outcomes = options_.config.report & ATTEMPT_OUTCOME;
	program_->each_open([&](attempt &open) {
		attempt_event &event = open.event;
		const bool left = open.flags & ATTEMPT_LEFT, untold = open.call ? !(open.flags & ATTEMPT_TOLD) : !left;
		if (left) event.ends = open.left;
		if (tell && untold && (options_.config.report & ATTEMPT_CONNECT)) {
			event.kind = ATTEMPT_CONNECT;
			if (open.call) event.time_ns = now(CLOCK_BOOTTIME);
			record(event);
		}
		if (outcomes) pending_++;
	});
}

int Tracer::record(const attempt_event &event) {
	out_++;
	bool written = writer_.commit(format_.attempt(writer_.line(), event, out_));
	return written && !counted() ? 0 : -ECANCELED;
}

void Tracer::report_losses(bool last) {
	for (int reason = 0; reason < ATTEMPT_DROPS; reason++)
		report_loss(kWhere[reason], program_->drops(static_cast<attempt_drop>(reason)), reported_[reason]);
	if (uint64_t time = now(CLOCK_BOOTTIME); last || time >= next_missed_ns_) {
		next_missed_ns_ = time + 1000000000;
		const int each = options_.config.report == (ATTEMPT_CONNECT | ATTEMPT_OUTCOME) ? 2 : 1;
		report_loss("busy program", program_->missed() * each, reported_missed_);
	}
	if (!dns_) return;
	report_loss("dns ring buffer", dns_->dropped(), reported_dns_[0]);
	report_loss("dns answer", dns_->lost(), reported_dns_[1]);
}

void Tracer::report_loss(const char *where, uint64_t total, uint64_t &reported) {
	uint64_t fresh = total - reported;
	if (fresh == 0) return;
	reported = total;
	lost_ += fresh;
	writer_.commit(format_.lost(writer_.line(), now(CLOCK_BOOTTIME), where, fresh));
}

} // namespace synpipe
