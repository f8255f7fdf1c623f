/*
 * uaccess.c - checks ranges, then lets uaccess.asm copy.
 */
#include "x86/uaccess.h"
#include "kernel.h"
#include "proc/thread.h"
#include "x86/cpu.h"
#include <abi/errno.h>

// uaccess.asm
size_t uaccess_clear(void *to, size_t nr_bytes);
size_t uaccess_copy_string(char *to, const char *from, size_t max);
int uaccess_compare_exchange32(u32 *word, u32 expected, u32 new, u32 *seen);

int uaccess_fpu_save(void *area, u64 mask);
int uaccess_fpu_load(const void *area, u64 mask);

size_t clear_user_part(void __user *to, size_t nr_bytes)
{
	return user_range_is_valid(to, nr_bytes) ? uaccess_clear(to, nr_bytes) : nr_bytes;
}

int copy_to_user(void __user *to, const void *from, size_t nr_bytes)
{
	return copy_to_user_part(to, from, nr_bytes) ? -EFAULT : 0;
}

int copy_from_user(void *to, const void __user *from, size_t nr_bytes)
{
	return copy_from_user_part(to, from, nr_bytes) ? -EFAULT : 0;
}

ssize_t copy_string_from_user(char *to, const char __user *from, size_t size)
{
	u64 room = (u64)from < USER_END ? min(size, USER_END - (u64)from) : 0;
	size_t length;

	if (!room)
		return size ? -EFAULT : -ENAMETOOLONG;
	length = uaccess_copy_string(to, from, room);
	if (length == U64_MAX)
		return -EFAULT;
	if (length == room)                     // no end: too long, or it runs into the kernel's half
		return room == size ? -ENAMETOOLONG : -EFAULT;
	return (ssize_t)length;
}

int user_fpu_save(void __user *area, size_t size, u64 mask)
{
	return user_range_is_valid(area, size) && !uaccess_fpu_save(area, mask) ? 0 : -EFAULT;
}

int user_fpu_load(const void __user *area, size_t size, u64 mask)
{
	return user_range_is_valid(area, size) && !uaccess_fpu_load(area, mask) ? 0 : -EFAULT;
}

int user_compare_exchange(u32 __user *word, u32 expected, u32 new, u32 *seen)
{
	if (!user_range_is_valid(word, sizeof(*word)))
		return -EFAULT;
	return uaccess_compare_exchange32(word, expected, new, seen) ? -EFAULT : 0;
}

void uaccess_faults_off(void)
{
	current->faults_off++;
}

void uaccess_faults_on(void)
{
	assert(current->faults_off > 0);
	current->faults_off--;
}
