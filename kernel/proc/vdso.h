#pragma once
/*
 * vdso.h - two pages that every program finds mapped: the clock's (x86/clock_page.h), shown as [vvar],
 * and behind it the code that reads it (vdso/), shown as [vdso]. AT_SYSINFO_EHDR tells where the code lies.
 */
#include "types.h"

struct addrspace;
struct area;

#define VDSO_PAGES 2

void vdso_init(void);                           // makes the pages; once, after tmpfs_init. May sleep
// exec: maps both pages at start, in a space that only we know. May sleep. -ENOMEM.
int vdso_map(struct addrspace *as, vaddr_t start) MUST_CHECK;
static inline vaddr_t vdso_code(vaddr_t start) { return start + PAGE_SIZE; }
// What /proc/PID/maps calls the area; NULL when it is another's.
const char *vdso_area_name(const struct area *a);
