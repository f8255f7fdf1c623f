/* What a small program asks of musl: output, memory, threads, signals, files, time, numbers. */
#include <dirent.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int counter;
static __thread int mine = 5;
static sigjmp_buf back;

static void *work(void *argument)
{
	for (int i = 0; i < 10000; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
	}
	mine += (int)(long)argument;
	return (void *)(long)mine;
}

static void on_segv(int number)
{
	(void)number;
	siglongjmp(back, 1);
}

int main(int argc, char **argv)
{
	char line[100];
	pthread_t threads[4];
	long sum = 0;

	for (int i = 1; i < argc; i++)
		printf("[%s]", argv[i]);
	printf("\n%s", fgets(line, sizeof(line), stdin));
	for (long i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	for (int i = 0; i < 4; i++) {
		void *result;

		pthread_join(threads[i], &result);
		sum += (long)result;
	}
	printf("threads %d %ld %d\n", counter, sum, mine);

	signal(SIGSEGV, on_segv);
	if (sigsetjmp(back, 1) == 0)
		*(volatile int *)8 = 1;
	else
		printf("caught\n");

	char *big = malloc(50 << 20);
	memset(big, 7, 50 << 20);
	big = realloc(big, 100 << 20);
	printf("memory %d\n", big[(50 << 20) - 1]);
	free(big);

	fflush(stdout);
	int status, child = fork();
	if (child == 0)
		_exit(9);
	waitpid(child, &status, 0);
	FILE *pipe = popen("echo from a pipe; exit 2", "r");
	printf("child %d, %s", WEXITSTATUS(status), fgets(line, sizeof(line), pipe));
	printf("pclose %d\n", WEXITSTATUS(pclose(pipe)));

	FILE *file = fopen("file", "w+");
	fprintf(file, "%d %s %.5f\n", 42, "text", atan(1) * 4);
	rewind(file);
	printf("file %s", fgets(line, sizeof(line), file));
	fclose(file);
	int nr = 0;
	DIR *folder = opendir("/proc/self/fd");
	while (readdir(folder))
		nr++;
	closedir(folder);
	struct timespec pause = { .tv_nsec = 1000000 };
	printf("sleep %d, fds %d, %s\n", nanosleep(&pause, NULL), nr > 4,
	       setlocale(LC_ALL, "C.UTF-8") ? "locale" : "none");
	return 3;
}
