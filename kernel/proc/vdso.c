/*
 * vdso.c - the pages of vdso.h are a file of two pages that no directory knows, mapped privately: fault, fork,
 * unmap and the audit need no word about them, and what a program does to its mapping it does to itself alone. Both
 * pages are pinned, so that the kernel may write the first one whenever the clock is set; the file is never closed.
 */
#include "cache/cache.h"
#include "fs/tmpfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/addrspace.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "proc/vdso.h"
#include "x86/clock.h"

enum { CLOCK_PAGE, CODE_PAGE };                 // their places in the file

extern const char vdso_image[], vdso_image_end[];       // vdso_image.asm

static struct file *vdso_file;                  // constant after vdso_init

// A page of the file that stays where it is; its bytes.
static void *pinned_page(pgoff_t index)
{
	struct page *p;

	if (cache_get(&vdso_file->inode->cache, index, &p))
		panic("no memory for the vdso");
	page_set(p, PAGE_PINNED);               // with the reference that cache_get took
	return page_address(p);
}

void vdso_init(void)
{
	size_t size = (size_t)(vdso_image_end - vdso_image);

	assert(size <= PAGE_SIZE);
	if (tmpfs_create_unnamed("[vdso]", VDSO_PAGES * PAGE_SIZE, false, &vdso_file))
		panic("no memory for the vdso");
	memcpy(pinned_page(CODE_PAGE), vdso_image, size);
	clock_show(pinned_page(CLOCK_PAGE));
}

int vdso_map(struct addrspace *as, vaddr_t start)
{
	int error = mmap_map_fixed(as, start, PAGE_SIZE, AREA_READ, vdso_file, CLOCK_PAGE * PAGE_SIZE);

	return error ? error : mmap_map_fixed(as, vdso_code(start), PAGE_SIZE, AREA_READ | AREA_EXEC, vdso_file,
					      CODE_PAGE * PAGE_SIZE);
}

const char *vdso_area_name(const struct area *a)
{
	if (!a->file || a->file != vdso_file)
		return NULL;
	return area_first(a) == CLOCK_PAGE ? "[vvar]" : "[vdso]";
}
