// Gives up all privileges but CAP_BPF in several threads, becoming user 1234567, group 7654321. Prints each thread's state
// from /proc. As on kernels before 5.19, where reading a BPF map needs that capability.
#include "privileges.h"

#include <atomic>
#include <cstdio>
#include <dirent.h>
#include <string>
#include <sys/prctl.h>
#include <thread>
#include <unistd.h>
#include <vector>

int main() {
	std::atomic<bool> end = false;
	std::vector<std::thread> threads;
	for (int i = 0; i < 8; i++)
		threads.emplace_back([&] {
			while (!end) usleep(1000);
		});
	synpipe::Identity identity = {1234567, 7654321};
	if (int error = synpipe::give_up_privileges_everywhere(synpipe::kCapBpf, &identity)) return error;
	printf("Dumpable:\t%d\n", prctl(PR_GET_DUMPABLE));
	DIR *dir = opendir("/proc/self/task");
	while (dirent *entry = readdir(dir)) {
		if (entry->d_name[0] == '.') continue;
		FILE *status = fopen((std::string("/proc/self/task/") + entry->d_name + "/status").c_str(), "r");
		char line[4096];
		while (fgets(line, sizeof line, status)) fputs(line, stdout);
		fclose(status);
	}
	closedir(dir);
	end = true;
	for (std::thread &thread : threads) thread.join();
}
