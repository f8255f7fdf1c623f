// Memory, numbers, sorting, the environment, the end of the program.
#pragma once

#include <alloca.h>
#include <stddef.h>

#define EXIT_SUCCESS	0
#define EXIT_FAILURE	1
#define RAND_MAX	0x7fffffff

void *malloc(size_t size) __attribute__((__malloc__));
void *calloc(size_t nr, size_t size) __attribute__((__malloc__));
void *realloc(void *memory, size_t size);
void *reallocarray(void *memory, size_t nr, size_t size);
void free(void *memory);
int posix_memalign(void **memory, size_t alignment, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size);
size_t malloc_usable_size(void *memory);

long strtol(const char *restrict text, char **restrict end, int base);
unsigned long strtoul(const char *restrict text, char **restrict end, int base);
long long strtoll(const char *restrict text, char **restrict end, int base);
unsigned long long strtoull(const char *restrict text, char **restrict end, int base);
double strtod(const char *restrict text, char **restrict end);
float strtof(const char *restrict text, char **restrict end);
int atoi(const char *text);
long atol(const char *text);
long long atoll(const char *text);
double atof(const char *text);

int abs(int n);
long labs(long n);
long long llabs(long long n);

typedef struct {
	int quot;
	int rem;
} div_t;

typedef struct {
	long quot;
	long rem;
} ldiv_t;

div_t div(int numerator, int denominator);
ldiv_t ldiv(long numerator, long denominator);

void qsort(void *base, size_t nr, size_t size, int (*compare)(const void *, const void *));
void qsort_r(void *base, size_t nr, size_t size,
	     int (*compare)(const void *, const void *, void *), void *context);
void *bsearch(const void *key, const void *base, size_t nr, size_t size,
	      int (*compare)(const void *, const void *));

int rand(void);
int rand_r(unsigned int *seed);
void srand(unsigned int seed);
long random(void);
void srandom(unsigned int seed);
double drand48(void);
long lrand48(void);
void srand48(long seed);

char *getenv(const char *name);
int setenv(const char *name, const char *value, int overwrite);
int unsetenv(const char *name);
int putenv(char *assignment);
int clearenv(void);

_Noreturn void exit(int status);
_Noreturn void _Exit(int status);
_Noreturn void quick_exit(int status);
_Noreturn void abort(void);
int atexit(void (*function)(void));
int at_quick_exit(void (*function)(void));
int system(const char *command);

int mkstemp(char *template);
int mkostemp(char *template, int flags);
char *mkdtemp(char *template);
char *realpath(const char *restrict path, char *restrict resolved);
