// SPDX-License-Identifier: MIT
// How the tracer looks at what is waiting or open, and what it takes of the records that a look has made.
#include "tracer.h"

#include "clock.h"

#include <algorithm>

namespace synpipe {
namespace {

// How long a waiting attempt may go unnoticed: a connect line is due soon, and a pending line after a second.
constexpr uint64_t kNoticeConnect = ATTEMPT_CONNECT_DUE_NS, kNoticeOpen = ATTEMPT_PENDING_DUE_NS;
constexpr uint64_t kMinLook = 5000000; // between two looks

} // namespace

// Takes a record that was read after a look. One about an attempt that waits, or a connection that is open, is written only if no
// record about the end was before it.
void Tracer::looked_at(const attempt_event &event) {
	if (event.kind == ATTEMPT_OUTCOME) finished_.insert(event.id);
	if (event.kind == ATTEMPT_CLOSED) closed_.insert(event.id);
	if (event.kind == ATTEMPT_PENDING && finished_.count(event.id)) return;
	if (event.kind == ATTEMPT_OPEN && closed_.count(event.id)) return;
	if (discarding_) return;
	const bool connection = event.kind == ATTEMPT_OPEN || event.kind == ATTEMPT_CLOSED;
	if (count_reached() && !connection) looked_at_beyond(event);
	else if (!connection || !beyond_.count(event.id)) record(event);
	else if (event.kind == ATTEMPT_CLOSED) beyond_.erase(event.id);
}

// Takes a record of an attempt after the last attempt that counts. Only the lines of those that are reported as pending follow.
void Tracer::looked_at_beyond(const attempt_event &event) {
	if (event.kind == ATTEMPT_OUTCOME) {
		if (event.established && reports(ATTEMPT_CLOSED)) beyond_.insert(event.id);
	} else if (event.kind == ATTEMPT_CONNECT && reports(ATTEMPT_OUTCOME)) {
		auto bytes = reinterpret_cast<const char *>(&event);
		connects_[event.id].assign(bytes, offsetof(attempt_event, process.exe) + event.process.exe_size);
	} else if (event.kind == ATTEMPT_PENDING) {
		if (auto connect = connects_.find(event.id); connect != connects_.end())
			record(*reinterpret_cast<const attempt_event *>(connect->second.data()));
		record(event);
	}
}

int Tracer::until_look() { return until(next_look_ns_); }


// Asks the kernel only while something is waiting: if it is new or due, and once a second for ends that were missed.
void Tracer::look() {
	const uint64_t time = now(CLOCK_BOOTTIME), opened = program_->opened(), calls = program_->calls();
	if (!program_->open() && !calls) {
		due_ns_ = UINT64_MAX;
	} else if (calls || opened != looked_ || time >= due_ns_) {
		looked_ = opened;
		due_ns_ = time + kNoticeOpen;
		looking([this] { due_ns_ = std::min(due_ns_, program_->look()); });
		writer_.flush();
	}
	const uint64_t notice = reports(ATTEMPT_CONNECT) ? kNoticeConnect : kNoticeOpen;
	next_look_ns_ = std::clamp(due_ns_, time + kMinLook, time + notice);
}

// Writes the last lines of the attempts that are still open, and counts those attempts.
void Tracer::look_last(bool write) {
	discarding_ = !write;
	uint64_t open = 0;
	looking([&] { open = program_->look_last(); });
	if (reports(ATTEMPT_OUTCOME)) pending_ = open;
	if (!reports(ATTEMPT_CLOSED)) return;
	look_at_connections(options_.snapshot);
	open_ = program_->connected() - beyond_.size();
}

// Finds connections whose end was missed, and reports those that are open, if that is asked for.
void Tracer::look_at_connections(bool report) {
	const uint64_t time = now(CLOCK_BOOTTIME);
	looking([&] { program_->look_at_connections(report ? time : 0); });
	writer_.flush();
	const uint64_t period = options_.every_ns ? options_.every_ns : kSweep;
	next_connections_ns_ = std::max(next_connections_ns_ + period, time + kMinLook);
	// A connection that had no line in three periods has ended, and the event about its end was lost.
	for (auto last = figures_.begin(); last != figures_.end();)
		last = last->second.time_ns + 3 * period < time ? figures_.erase(last) : std::next(last);
}

// Returns what a connection has sent and received since the previous line. For the first line about a connection that was open
// before the start, that is not known.
std::optional<Delta> Tracer::since_last(const attempt_event &event) {
	if (!options_.every_ns || (event.kind != ATTEMPT_OPEN && event.kind != ATTEMPT_CLOSED)) return {};
	const Delta all = {event.life.bytes_sent, event.life.bytes_received};
	auto last = figures_.find(event.id);
	std::optional<Delta> delta;
	if (last != figures_.end()) delta = {all.sent - last->second.bytes.sent, all.received - last->second.bytes.received};
	else if (event.life.established_ns) delta = all;
	if (event.kind == ATTEMPT_OPEN) figures_[event.id] = {all, event.time_ns};
	else if (last != figures_.end()) figures_.erase(last);
	return delta;
}

// Looks, and reads what that has reported, until nothing is left to be reported.
void Tracer::looking(const std::function<void()> &look) {
	looking_ = true;
	do {
		look();
		consume();
	} while (program_->more());
	looking_ = false;
	finished_.clear();
	closed_.clear();
	connects_.clear();
}

} // namespace synpipe
