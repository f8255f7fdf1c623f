/*
 * hello_musl.c - a program that knows nothing of Lectern: standard C on a foreign static C library
 * (musl). It tries the library's own ways to the kernel: start-up, stdio, malloc, directories,
 * signals, time; and prints what it found, the same on every run.
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int failures;

static void check(const char *what, int good)
{
	printf("%s %s\n", good ? "ok" : "not ok", what);
	if (!good)
		failures++;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void check_memory(void)
{
	int *numbers = malloc(100000 * sizeof(int));
	unsigned seed = 1;
	int sorted = 1;

	for (int i = 0; i < 100000; i++) {
		seed = seed * 1103515245 + 12345;
		numbers[i] = seed >> 8;
	}
	numbers = realloc(numbers, 200000 * sizeof(int));
	qsort(numbers, 100000, sizeof(int), compare);
	for (int i = 1; i < 100000; i++)
		sorted &= numbers[i - 1] <= numbers[i];
	check("malloc, realloc and qsort", sorted);
	free(numbers);
	char *pieces[500];
	for (int i = 0; i < 500; i++)
		memset(pieces[i] = malloc(i * 37 + 1), i, i * 37 + 1);
	int good = 1;
	for (int i = 0; i < 500; i++) {
		good &= pieces[i][i * 37] == (char)i;
		free(pieces[i]);
	}
	check("many pieces of memory", good);
}

static void check_files(const char *path)
{
	char line[100];
	int n = 0, good = 1;
	FILE *file = fopen(path, "w+");

	if (!file) {
		check("fopen", 0);
		return;
	}
	for (int i = 0; i < 1000; i++)
		fprintf(file, "line %d of %s, %.3f\n", i, "many", sqrt(i));
	rewind(file);
	while (fgets(line, sizeof(line), file)) {
		int number;
		double root;
		good &= sscanf(line, "line %d of many, %lf", &number, &root) == 2 && number == n
			&& fabs(root * root - number) < 0.1;
		n++;
	}
	fclose(file);
	check("a thousand lines through stdio", good && n == 1000);
	struct stat status;
	check("stat", stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 20000);
	check("remove", remove(path) == 0 && stat(path, &status) == -1 && errno == ENOENT);
}

static void check_folder(void)
{
	struct dirent *entry;
	int dots = 0;
	DIR *folder = opendir("/");

	while (folder && (entry = readdir(folder)))
		dots += strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	check("the root folder", dots == 2);
	if (folder)
		closedir(folder);
}

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

static void check_processes(void)
{
	int ends[2], status;
	char text[20] = "";

	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	check("a signal to oneself", caught == SIGUSR1);
	check("pipe", pipe(ends) == 0);
	pid_t child = fork();
	if (child == 0) {
		dprintf(ends[1], "from %s", "child");
		_exit(7);
	}
	close(ends[1]);
	check("fork and read from the child", read(ends[0], text, sizeof(text)) == 10
	      && strcmp(text, "from child") == 0);
	check("its exit status", waitpid(child, &status, 0) == child && WIFEXITED(status)
	      && WEXITSTATUS(status) == 7);
}

int main(int argc, char **argv)
{
	char path[300];
	const char *folder = getenv("TESTDIR");
	time_t now = time(NULL);
	struct tm *calendar = gmtime(&now);

	printf("hello from musl\n");
	check("arguments", argc >= 1 && argv[0] && !argv[argc]);
	check("environment", setenv("COLOUR", "red", 1) == 0 && strcmp(getenv("COLOUR"), "red") == 0);
	check_memory();
	snprintf(path, sizeof(path), "%s/hello-%d", folder ? folder : "/tmp", (int)getpid());
	check_files(path);
	check_folder();
	check_processes();
	check("the calendar", calendar && calendar->tm_year + 1900 >= 2020);
	printf("1..%d\n", 13);
	return failures != 0;
}
