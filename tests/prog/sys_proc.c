/*
 * sys_proc.c - /proc in Linux's text: programs written for Linux parse it, so its form is a contract.
 */
#include "threads.h"

static const char *must_slurp(const char *path)
{
	const char *text = slurp(path);

	if (!text)
		FAIL("expected to read %s, seen %s", path, errno_name(errno));
	return text;
}

// The n-th word (from 0) behind the program's name in /proc/PID/stat; the name may hold blanks.
static const char *stat_word(const char *text, int n)
{
	const char *word = strrchr(text, ')');

	CHECK(word != NULL);
	for (word += 2; n > 0; n--) {
		word = strchr(word, ' ');
		CHECK(word != NULL);
		word++;
	}
	return word;
}

TEST(stat_has_52_fields)
{
	char start[40];
	const char *text = must_slurp("/proc/self/stat");

	snprintf(start, sizeof(start), "%d (sys_proc) R %d %d ", (int)getpid(), (int)getppid(),
		 (int)getpgrp());
	CHECK(strncmp(text, start, strlen(start)) == 0);
	int blanks = 0;
	for (const char *p = strrchr(text, ')'); *p; p++)
		blanks += *p == ' ';
	CHECK_EQ(blanks, 50);
	CHECK_EQ(text[strlen(text) - 1], '\n');
	CHECK(strtoul(stat_word(text, 20), NULL, 10) >= 100 * PAGE / 2);        // vsize, bytes
	CHECK(strtol(stat_word(text, 21), NULL, 10) >= 0);                      // rss, pages
}

TEST(stat_counts_minor_faults)
{
	unsigned char *p = map_anonymous(32 * PAGE);

	long before = strtol(stat_word(must_slurp("/proc/self/stat"), 7), NULL, 10);
	memset(p, 1, 32 * PAGE);
	CHECK(strtol(stat_word(must_slurp("/proc/self/stat"), 7), NULL, 10) - before >= 1);
}

TEST(status_fields)
{
	const char *text = must_slurp("/proc/self/status");

	CHECK(strncmp(text, "Name:\tsys_proc\n", 15) == 0);
	CHECK(strstr(text, "\nState:\tR (running)\n") != NULL);
	CHECK_EQ(number_named(text, "Pid"), getpid());
	CHECK_EQ(number_named(text, "PPid"), getppid());
	CHECK_EQ(number_named(text, "Uid"), getuid());
	CHECK(number_named(text, "VmSize") > 0);
	CHECK(number_named(text, "VmRSS") > 0);
	CHECK(number_named(text, "VmRSS") <= number_named(text, "VmSize"));
	CHECK(strstr(text, " kB\n") != NULL);
}

TEST(size_follows_the_mappings)
{
	long before = number_named(must_slurp("/proc/self/status"), "VmSize");
	unsigned char *p = map_anonymous(1000 * PAGE);

	CHECK_EQ(number_named(must_slurp("/proc/self/status"), "VmSize") - before, 4000);
	MUST(munmap(p, 1000 * PAGE));
	CHECK_EQ(number_named(must_slurp("/proc/self/status"), "VmSize"), before);
}

TEST(status_of_another_process)
{
	char path[40];
	struct gate gate = gate_make();
	pid_t child = MUST(fork());

	if (child == 0) {
		gate_wait(gate);
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d/status", (int)child);
	CHECK_EQ(number_named(must_slurp(path), "Pid"), child);
	CHECK_EQ(number_named(must_slurp(path), "PPid"), getpid());
	gate_open(gate);
	CHECK_CHILD(child);
	CHECK(slurp(path) == NULL);
	CHECK_EQ(errno, ENOENT);
}

TEST(zombie_is_seen_as_one)
{
	char path[40];
	pid_t child = MUST(fork());

	if (child == 0)
		_exit(0);
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
	while (*stat_word(must_slurp(path), 0) != 'Z')
		;
	CHECK_CHILD(child);
}

TEST(meminfo_fields)
{
	static const char *const names[] = { "MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached",
					     "Dirty", "Writeback", "AnonPages", "Mapped", "Slab",
					     "PageTables", "SwapTotal", "SwapFree" };
	const char *text = must_slurp("/proc/meminfo");

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (number_named(text, names[i]) < 0)
			FAIL("expected a line %s in /proc/meminfo, seen none", names[i]);
	CHECK(strncmp(text, "MemTotal:", 9) == 0);
	CHECK(number_named(text, "MemTotal") > 8192);
	CHECK(number_named(text, "MemFree") < number_named(text, "MemTotal"));
	CHECK(strstr(text, " kB\n") != NULL);
}

TEST(cpuinfo_fields)
{
	static const char *const lines[] = { "processor\t: 0\n", "\nvendor_id\t: ", "\nmodel name\t: ",
					     "\nflags\t\t: ", " nx ", " lm " };
	const char *text = must_slurp("/proc/cpuinfo");

	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!strstr(text, lines[i]))
			FAIL("expected \"%s\" in /proc/cpuinfo, seen none", lines[i]);
	long processors = 0;
	for (const char *p = text; (p = strstr(p, "processor\t: ")) != NULL; p++)
		processors++;
	CHECK_EQ(processors, sysconf(_SC_NPROCESSORS_ONLN));
}

TEST(vmstat_is_names_and_numbers)
{
	static const char *const names[] = { "nr_free_pages", "pgpgin", "pgpgout", "pgfault",
					     "pgmajfault", "pgfree", "nr_dirty" };
	const char *text = must_slurp("/proc/vmstat");

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (number_named(text, names[i]) < 0)
			FAIL("expected a line %s in /proc/vmstat, seen none", names[i]);
}

TEST(maps_line_form)
{
	const char *text = must_slurp("/proc/self/maps");
	char *end;

	// 00400000-00401000 r--p 00000000 fe:00 1234      /path
	while (*text) {
		CHECK(strchr("0123456789abcdef", *text) != NULL);
		strtoul(text, &end, 16);
		CHECK(end - text >= 8 && *end == '-');
		text = end + 1;
		strtoul(text, &end, 16);
		CHECK(end - text >= 8 && *end == ' ');
		CHECK(strchr("r-", end[1]) && strchr("w-", end[2]) && strchr("x-", end[3]));
		CHECK(strchr("ps", end[4]) && end[5] == ' ');
		text = end + 6;
		strtoul(text, &end, 16);
		CHECK(end - text >= 8 && *end == ' ');
		CHECK(end[3] == ':');
		text = strchr(end, '\n');
		CHECK(text != NULL);
		text++;
	}
}

TEST(maps_marks_deleted_files)
{
	struct map_line line;
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, PROT_READ, MAP_SHARED, 0);

	MUST(unlink("data"));
	CHECK(map_line_at(p, &line));
	CHECK(strlen(line.path) > 10);
	CHECK_STR(line.path + strlen(line.path) - 10, " (deleted)");
}

TEST(pagemap_tells_what_is_present)
{
	unsigned char *p = map_anonymous(4 * PAGE);
	unsigned long words[4];
	int fd = MUST(open("/proc/self/pagemap", O_RDONLY));

	store(p + PAGE, 1);
	store(p + 3 * PAGE, 1);
	CHECK_EQ(pread(fd, words, sizeof(words), (unsigned long)p / PAGE * 8), sizeof(words));
	CHECK_EQ(words[0] >> 63, 0);
	CHECK_EQ(words[1] >> 63, 1);
	CHECK_EQ(words[2] >> 63, 0);
	CHECK_EQ(words[3] >> 63, 1);
	CHECK((words[1] & ((1UL << 55) - 1)) != (words[3] & ((1UL << 55) - 1)) || words[1] << 9 == 0);
}

TEST(kpagecount_tells_the_mappings)
{
	unsigned long count = 0;
	unsigned char *p = MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

	store(p, 1);
	int fd = open("/proc/kpagecount", O_RDONLY);
	if (fd == -1 || !frame_of(p))
		SKIP("no /proc/kpagecount, or frames are not shown");
	CHECK_EQ(pread(fd, &count, 8, frame_of(p) * 8), 8);
	CHECK_EQ(count, 1);
	struct gate ready = gate_make(), gate = gate_make();
	pid_t child = MUST(fork());
	if (child == 0) {
		load(p);
		gate_open(ready);
		gate_wait(gate);
		_exit(0);
	}
	gate_wait(ready);
	CHECK_EQ(pread(fd, &count, 8, frame_of(p) * 8), 8);
	CHECK_EQ(count, 2);
	gate_open(gate);
	CHECK_CHILD(child);
}

TEST(cmdline_has_zero_bytes_between)
{
	char text[1000];
	int fd = open("/proc/self/cmdline", O_RDONLY);

	if (fd == -1)
		SKIP("no /proc/self/cmdline");
	ssize_t n = MUST(read(fd, text, sizeof(text)));
	CHECK(n > 0);
	CHECK_EQ(text[n - 1], 0);
	CHECK(strstr(text, "sys_proc") != NULL);
}

TEST(exe_is_this_program)
{
	char path[600];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n == -1 && errno == ENOENT)
		SKIP("no /proc/self/exe");
	MUST(n);
	path[n] = 0;
	CHECK_STR(path, test_program);
}

TEST(uptime_moves_forward)
{
	const char *text = must_slurp("/proc/uptime");
	char *end;

	CHECK(strtol(text, &end, 10) >= 0);
	CHECK_EQ(*end, '.');
	CHECK(strchr(end, ' ') != NULL);
}

TEST(timer_list_tells_idle_time)
{
	const char *text = slurp("/proc/timer_list");
	const char *idle;

	if (!text)
		SKIP("no /proc/timer_list for us");
	idle = strstr(text, ".idle_sleeptime");
	CHECK(idle != NULL && strstr(idle, ".iowait_sleeptime") != NULL);
	CHECK(strstr(idle, " nsecs") != NULL);
}

TEST(numbers_of_processes_are_folders)
{
	struct dirent *entry;
	bool found_self = false, found_first = false;
	DIR *folder = opendir("/proc");

	CHECK(folder != NULL);
	while ((entry = readdir(folder)) != NULL) {
		found_self |= atoi(entry->d_name) == getpid();
		found_first |= strcmp(entry->d_name, "1") == 0;
	}
	closedir(folder);
	CHECK(found_self && found_first);
}

TEST(proc_refuses_what_it_cannot)
{
	char block[10];

	CHECK_ERR(open("/proc/0", O_RDONLY), ENOENT);
	CHECK_ERR(open("/proc/99999999/stat", O_RDONLY), ENOENT);
	CHECK_ERR(open("/proc/self/nothing", O_RDONLY), ENOENT);
	CHECK_ERR(unlink("/proc/self/stat"), EPERM);
	int fd = MUST(open("/proc/self/stat", O_RDONLY));
	CHECK_ERR(write(fd, "x", 1), EBADF);
	CHECK_EQ(read(fd, block, 5), 5);
	CHECK(read(fd, block, 5) > 0);          // it goes on where it stopped
}

/* ---- threads and sums ------------------------------------------------------------------------ */

static volatile int thread_may_end;

static void sleep_until_told(void *argument)
{
	(void)argument;
	while (!thread_may_end)
		raw_call(SYS_futex, (long)&thread_may_end, 0 /* FUTEX_WAIT */, 0, 0, 0, 0);
}

TEST(task_lists_every_thread)
{
	struct thread t[2];
	char path[64], text[64], wanted[64];
	int seen = 0;

	for (int i = 0; i < 2; i++) {
		thread_begin(&t[i], sleep_until_told, NULL);
		wait_until_asleep(t[i].tid);
	}
	DIR *folder = opendir("/proc/self/task");

	CHECK(folder != NULL);
	for (struct dirent *e; (e = readdir(folder));) {
		int n = atoi(e->d_name);

		seen += n == getpid() || n == t[0].tid || n == t[1].tid ? 1 : e->d_name[0] == '.' ? 0 : 100;
	}
	closedir(folder);
	CHECK_EQ(seen, 3);

	// A name of its own, and a stat, status and maps.
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", t[1].tid);
	int fd = MUST(open(path, O_RDWR));

	CHECK_EQ(write(fd, "second", 6), 6);
	CHECK_EQ(pread(fd, text, sizeof(text), 0), 7);
	CHECK(memcmp(text, "second\n", 7) == 0);
	close(fd);
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", t[1].tid);
	snprintf(wanted, sizeof(wanted), "%d (second) S ", t[1].tid);
	CHECK(strncmp(slurp(path), wanted, strlen(wanted)) == 0);
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", t[1].tid);
	CHECK_EQ(number_named(slurp(path), "Pid"), t[1].tid);
	CHECK_EQ(number_named(slurp(path), "Tgid"), getpid());
	CHECK_EQ(number_named(slurp(path), "Threads"), 3);
	snprintf(path, sizeof(path), "/proc/self/task/%d/maps", t[1].tid);
	CHECK(slurp(path) != NULL);
	CHECK(strcmp(slurp("/proc/self/comm"), "second\n") != 0);

	thread_may_end = 1;
	raw_call(SYS_futex, (long)&thread_may_end, 1 /* FUTEX_WAKE */, 10, 0, 0, 0);
	for (int i = 0; i < 2; i++)
		thread_join(&t[i]);
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", getpid() + 30000);
	CHECK_ERR(open(path, O_RDONLY), ENOENT);
}

static void compare_thread_self(void *argument)
{
	char text[64] = "", wanted[64];

	if (readlink("/proc/thread-self", text, sizeof(text) - 1) > 0) {
		snprintf(wanted, sizeof(wanted), "%d/task/%d", getpid(), own_tid());
		*(int *)argument = strcmp(text, wanted) == 0;
	}
}

TEST(thread_self_leads_to_the_thread)
{
	struct thread t;
	int is_right = 0;

	thread_begin(&t, compare_thread_self, &is_right);
	thread_join(&t);
	CHECK_EQ(is_right, 1);
}

TEST(smaps_rollup_is_the_sum_of_smaps)
{
	static const char *const names[] = { "Rss", "Anonymous", "Private_Dirty", "Locked" };

	// In the first round the test itself touches memory for the first time.
	for (unsigned int i = 0; i < 8; i++) {
		const char *text = slurp("/proc/self/smaps"), *name = names[i % 4];
		long sum = 0, one;

		for (; text && *text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : "")
			if (strncmp(text, name, strlen(name)) == 0 && text[strlen(name)] == ':')
				sum += number_named(text, name);
		one = number_named(slurp("/proc/self/smaps_rollup"), name);
		if (i >= 4)
			CHECK_EQ(one, sum);
	}
	CHECK(strstr(slurp("/proc/self/smaps_rollup"), "[rollup]") != NULL);
}

static unsigned long idle_ns(void)
{
	const char *text = must_slurp("/proc/timer_list");
	unsigned long sum = 0;

	for (const char *at = strstr(text, "_sleeptime"); at; at = strstr(at + 1, "_sleeptime"))
		sum += strtoul(strpbrk(at, "0123456789"), NULL, 10);
	return sum;
}

// While everybody sleeps, a CPU has nothing to do, and says so to the nanosecond; while a program runs, it is busy.
TEST(idle_is_not_busy)
{
	struct timespec moment = { 0, 200000000 }, now, start;

	if (access("/proc/self/counts", F_OK) != 0)
		SKIP("on Linux others may be busy meanwhile, or it is not for us to see");
	unsigned long before = idle_ns();
	MUST(nanosleep(&moment, NULL));
	unsigned long slept = idle_ns() - before, cpus = (unsigned long)sysconf(_SC_NPROCESSORS_ONLN);
	CHECK(slept >= 150000000);
	before = idle_ns();
	MUST(clock_gettime(CLOCK_MONOTONIC, &start));
	unsigned long took;
	do {
		MUST(clock_gettime(CLOCK_MONOTONIC, &now));
		took = (unsigned long)(now.tv_sec - start.tv_sec) * 1000000000 + (unsigned long)now.tv_nsec -
		       (unsigned long)start.tv_nsec;
	} while (took < 100000000);
	CHECK(idle_ns() - before <= (cpus - 1) * (took + took));        // the other CPUs, and reading the file
}

TEST(slabinfo_names_are_words)
{
	const char *text = slurp("/proc/slabinfo");
	int nr = 0;

	if (!text || !*text)
		SKIP("this process may not read it");
	for (int line = 0; *text; line++, text = strchr(text, '\n') ? strchr(text, '\n') + 1 : "") {
		const char *number = text + strcspn(text, " \n");

		if (line < 2)
			continue;
		number += strspn(number, " ");
		CHECK(*number >= '0' && *number <= '9');
		nr++;
	}
	CHECK(nr > 5);
}

/* ---- /sys -------------------------------------------------------------------------------------- */

TEST(sys_tells_of_huge_pages)
{
	const char *mode = slurp("/sys/kernel/mm/transparent_hugepage/enabled");
	struct statfs fs;

	if (!mode && access("/proc/self/counts", F_OK) != 0)
		SKIP("there is no /sys here");
	CHECK(mode != NULL);
	CHECK(!strcmp(mode, "[always] madvise never\n") || !strcmp(mode, "always [madvise] never\n") ||
	      !strcmp(mode, "always madvise [never]\n"));
	CHECK_STR(must_slurp("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"), "2097152\n");
	MUST(statfs("/sys", &fs));
	CHECK_EQ(fs.f_type, 0x62656572);
}

TEST(sys_tells_of_the_processors)
{
	const char *online = slurp("/sys/devices/system/cpu/online"), *dash, *text;
	long nr = 0;

	if (!online && access("/proc/self/counts", F_OK) != 0)
		SKIP("there is no /sys here");
	CHECK(online != NULL);
	CHECK_EQ(atol(online), 0);
	dash = strchr(online, '-');
	long last = dash ? atol(dash + 1) : 0;

	for (text = must_slurp("/proc/stat"); text && *text; text = strchr(text, '\n'), text += !!text)
		nr += !strncmp(text, "cpu", 3) && text[3] != ' ';
	CHECK_EQ(last + 1, nr);
}
