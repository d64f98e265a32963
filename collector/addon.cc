// SPDX-License-Identifier: MIT
// Exports start, stop, stats, dropPrivileges and networkNamespace to JavaScript. All state belongs to the environment.
#include "tracer.h"

#include <cstring>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <napi.h>
#include <optional>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace synpipe {
namespace {

void read_value(const Napi::Value &from, uint32_t &to) { to = from.ToNumber().Uint32Value(); }

void read_value(const Napi::Value &from, attempt_ports &to) {
	Napi::Object range = from.ToObject();
	to.first = range.Get(0u).ToNumber().Uint32Value();
	to.last = range.Get(1u).ToNumber().Uint32Value();
}

template <typename T> uint32_t read_list(const Napi::Object &options, const char *name, T *to) {
	Napi::Value value = options.Get(name);
	if (value.IsUndefined()) return 0;
	if (!value.IsArray()) throw Napi::TypeError::New(options.Env(), std::string(name) + " must be an array");
	auto list = value.As<Napi::Array>();
	if (list.Length() > ATTEMPT_FILTER_MAX)
		throw Napi::RangeError::New(options.Env(), std::string(name) + ": at most 64 values");
	for (uint32_t i = 0; i < list.Length(); i++) read_value(list.Get(i), to[i]);
	return list.Length();
}

std::vector<std::string> read_paths(const Napi::Object &options, const char *name) {
	std::vector<std::string> paths;
	Napi::Value value = options.Get(name);
	if (value.IsUndefined()) return paths;
	if (!value.IsArray()) throw Napi::TypeError::New(options.Env(), std::string(name) + " must be an array");
	auto list = value.As<Napi::Array>();
	if (list.Length() > ATTEMPT_FILTER_MAX)
		throw Napi::RangeError::New(options.Env(), std::string(name) + ": at most 64 values");
	for (uint32_t i = 0; i < list.Length(); i++) paths.push_back(list.Get(i).ToString());
	return paths;
}

int64_t read_number(const Napi::Object &options, const char *name) {
	Napi::Value value = options.Get(name);
	return value.IsUndefined() ? 0 : value.ToNumber().Int64Value();
}

Options read_options(const Napi::Object &from) {
	Options to;
	to.object = from.Get("object").ToString();
	to.fd = read_number(from, "fd");
	to.config.pid_count = read_list(from, "pids", to.config.pids);
	to.config.uid_count = read_list(from, "uids", to.config.uids);
	to.config.port_count = read_list(from, "ports", to.config.ports);
	to.config.netns_count = read_list(from, "netns", to.config.netns);
	to.config.family = read_number(from, "family");
	to.config.report = read_number(from, "report") ?: +ATTEMPT_OUTCOME;
	to.config.pending = read_number(from, "pending");
	to.config.drops = read_number(from, "drops");
	to.cgroups = read_paths(from, "cgroups");
	to.config.cgroup_count = to.cgroups.size();
	to.cgroup2 = from.Get("cgroup2").IsUndefined() || from.Get("cgroup2").ToBoolean();
	to.every_ns = static_cast<uint64_t>(read_number(from, "every")) * 1000000;
	to.snapshot = read_number(from, "snapshot");
	to.count = read_number(from, "count");
	if (!from.Get("header").IsUndefined()) to.header = from.Get("header").ToString();
	to.ring_bytes = read_number(from, "ringBytes");
	if (!from.Get("dnsObject").IsUndefined()) to.dns_object = from.Get("dnsObject").ToString();
	if (!from.Get("dnsCgroup").IsUndefined()) to.dns_cgroup = from.Get("dnsCgroup").ToString();
	return to;
}

void put_error(Napi::Object to, int error) {
	const char *name = strerrorname_np(error);
	to.Set("code", name ? name : "E" + std::to_string(error));
	to.Set("errno", error);
}

Napi::Error to_js(Napi::Env env, const Failure &failure) {
	Napi::Error error = Napi::Error::New(env, failure.what());
	put_error(error.Value(), failure.error);
	error.Set("step", failure.step);
	return error;
}

// Runs the body of a function that JavaScript calls: every exception becomes an Error with `code` and `step`.
template <typename Body> auto guarded(Napi::Env env, const char *what, const char *step, Body body) {
	try {
		return body();
	} catch (const Napi::Error &) {
		throw;
	} catch (const Failure &failure) {
		throw to_js(env, failure);
	} catch (...) {
		throw to_js(env, Failure(what, caught_errno(), step));
	}
}

Napi::Object to_js(Napi::Env env, const End &end) {
	static const char *const reasons[] = {"none", "stop", "count", "closed", "error"};
	Napi::Object object = Napi::Object::New(env);
	object.Set("reason", reasons[static_cast<int>(end.reason)]);
	if (end.reason == Reason::error) {
		put_error(object, end.error);
		object.Set("output", end.output);
	}
	object.Set("out", static_cast<double>(end.stats.out));
	object.Set("lost", static_cast<double>(end.stats.lost));
	object.Set("pending", static_cast<double>(end.pending));
	object.Set("open", static_cast<double>(end.open));
	object.Set("updates", static_cast<double>(end.stats.updates));
	object.Set("lostUpdates", static_cast<double>(end.stats.lost_updates));
	return object;
}

} // namespace

class Collector : public Napi::Addon<Collector> {
public:
	Collector(Napi::Env, Napi::Object exports) {
		DefineAddon(exports, {InstanceMethod("start", &Collector::Start), InstanceMethod("stop", &Collector::Stop),
							  InstanceMethod("stats", &Collector::GetStats),
							  InstanceMethod("dropPrivileges", &Collector::DropPrivileges),
							  InstanceMethod("networkNamespace", &Collector::NetworkNamespace)});
	}

private:
	using Hook = Napi::Env::CleanupHook<void (*)(Tracer *), Tracer>;

	Napi::Value Start(const Napi::CallbackInfo &info) {
		Napi::Env env = info.Env();
		if (tracer_) throw to_js(env, Failure("the collector is already running", EBUSY, "open"));
		if (!info[0].IsObject() || !info[1].IsFunction())
			throw Napi::TypeError::New(env, "start takes options and a function for the end");
		auto tracer = guarded(env, "cannot load the BPF programs", "open",
							  [&] { return std::shared_ptr<Tracer>(new Tracer(read_options(info[0].As<Napi::Object>()))); });
		Napi::Array unhooked = Napi::Array::New(env);
		for (const std::string &function : tracer->unhooked()) unhooked.Set(unhooked.Length(), function);
		guarded(env, "cannot start a thread", "thread", [&] { Run(env, tracer, info[1].As<Napi::Function>()); });
		return unhooked;
	}

	void Run(Napi::Env env, const std::shared_ptr<Tracer> &tracer, const Napi::Function &on_end) {
		auto end = Napi::ThreadSafeFunction::New(env, on_end, "collector", 0, 1);
		// Added after the function above, so that it runs before that function's hook.
		hook_ = env.AddCleanupHook(+[](Tracer *t) { t->abandon(); }, tracer.get());
		try {
			tracer->start([this, end](const End &how) mutable {
				end.BlockingCall([this, how](Napi::Env env, Napi::Function on_end) {
					if (static_cast<napi_env>(env) == nullptr) return; // the environment is being torn down
					hook_->Remove(env);
					stats_ = how.stats;
					tracer_.reset();
					on_end.Call({to_js(env, how)});
				});
				end.Release();
			});
		} catch (...) {
			hook_->Remove(env);
			end.Release();
			throw;
		}
		tracer_ = tracer; // on_end runs on this thread, so it cannot run before this is set
		stats_ = {};
	}

	void Stop(const Napi::CallbackInfo &info) {
		guarded(info.Env(), "cannot stop the collector", "stop", [&] {
			if (tracer_) tracer_->stop();
		});
	}

	void DropPrivileges(const Napi::CallbackInfo &info) {
		Identity identity = {};
		if (info[0].IsObject()) {
			auto to = info[0].As<Napi::Object>();
			identity = {to.Get("uid").ToNumber().Uint32Value(), to.Get("gid").ToNumber().Uint32Value()};
		}
		const Identity *to = info[0].IsObject() ? &identity : nullptr;
		guarded(info.Env(), "cannot give up privileges", "drop", [&] {
			if (int error = tracer_ ? tracer_->drop_privileges(to) : 0)
				throw Failure("cannot give up privileges", error, "drop");
		});
	}

	Napi::Value NetworkNamespace(const Napi::CallbackInfo &info) {
		Napi::Env env = info.Env();
		return guarded(env, "cannot read a namespace", "namespace", [&]() -> Napi::Value {
			std::string path = info[0].ToString();
			int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
			struct stat status = {};
			int type = fd < 0 || fstat(fd, &status) ? -1 : ioctl(fd, NS_GET_NSTYPE);
			int error = errno;
			if (fd >= 0) close(fd);
			if (type < 0) throw Failure("cannot read " + path, error, "namespace");
			if (type != CLONE_NEWNET) return env.Undefined();
			return Napi::Number::New(env, static_cast<double>(status.st_ino));
		});
	}

	Napi::Value GetStats(const Napi::CallbackInfo &info) {
		Stats stats = tracer_ ? tracer_->stats() : stats_;
		Napi::Object object = Napi::Object::New(info.Env());
		object.Set("out", static_cast<double>(stats.out));
		object.Set("lost", static_cast<double>(stats.lost));
		object.Set("updates", static_cast<double>(stats.updates));
		object.Set("lostUpdates", static_cast<double>(stats.lost_updates));
		object.Set("bytes", static_cast<double>(stats.bytes));
		object.Set("queued", static_cast<double>(stats.queued));
		return object;
	}

	std::shared_ptr<Tracer> tracer_; // during a run
	std::optional<Hook> hook_;
	Stats stats_ = {}; // of the last run
};

NODE_API_ADDON(Collector)

} // namespace synpipe
