// The functions that the kernel shows to every program (its vdso): telling the time costs no system call.
//
// The auxiliary vector tells where the library lies. It is found there as a dynamic linker finds a function: by the
// dynamic section to the tables of symbols and names.
// Without a vdso, or where it lacks a function, the calls do the work.

#include "internal.h"

#include <elf.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/time.h>
#include <time.h>

static struct {
	bool is_searched;
	int (*clock_gettime)(clockid_t clock, struct timespec *time);
	int (*gettimeofday)(struct timeval *now, void *zone);
} vdso;

static const Elf64_Dyn *dynamic_section(const char *base)
{
	const Elf64_Phdr *header = (const Elf64_Phdr *)(base + ((const Elf64_Ehdr *)base)->e_phoff);

	for (int i = 0; i < ((const Elf64_Ehdr *)base)->e_phnum; i++) {
		if (header[i].p_type == PT_DYNAMIC)
			return (const Elf64_Dyn *)(base + header[i].p_vaddr);
	}
	return NULL;
}

static const void *find(const char *base, const char *name)
{
	const Elf64_Sym *symbols = NULL;
	const char *names = NULL;
	const unsigned *hash = NULL;    // its second word is the number of symbols

	for (const Elf64_Dyn *d = dynamic_section(base); d && d->d_tag != DT_NULL; d++) {
		const void *table = base + d->d_un.d_ptr;

		if (d->d_tag == DT_SYMTAB)
			symbols = table;
		else if (d->d_tag == DT_STRTAB)
			names = table;
		else if (d->d_tag == DT_HASH)
			hash = table;
	}
	if (!symbols || !names || !hash)
		return NULL;
	for (unsigned i = 0; i < hash[1]; i++) {
		if (ELF64_ST_TYPE(symbols[i].st_info) == STT_FUNC && symbols[i].st_shndx &&
		    strcmp(names + symbols[i].st_name, name) == 0)
			return base + symbols[i].st_value;
	}
	return NULL;
}

static void search(void)
{
	const char *base = NULL;

	for (unsigned long *pair = libc_auxv; pair[0] != AT_NULL; pair += 2) {
		if (pair[0] == AT_SYSINFO_EHDR)
			base = (const char *)pair[1];
	}
	vdso.is_searched = true;
	if (!base || memcmp(base, ELFMAG, SELFMAG) != 0)
		return;
	vdso.clock_gettime = (int (*)(clockid_t, struct timespec *))find(base, "__vdso_clock_gettime");
	vdso.gettimeofday = (int (*)(struct timeval *, void *))find(base, "__vdso_gettimeofday");
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	if (!vdso.is_searched)
		search();
	if (vdso.clock_gettime)
		return (int)syscall_answer(vdso.clock_gettime(clock, time));
	return (int)CALL(SYS_clock_gettime, clock, time);
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	if (!vdso.is_searched)
		search();
	if (vdso.gettimeofday)
		return (int)syscall_answer(vdso.gettimeofday(now, zone));
	return (int)CALL(SYS_gettimeofday, now, zone);
}
