#pragma once
/*
 * uaccess.h - copies between kernel and user memory. A fault in the copy is resolved like any other
 * (it may sleep, read the disk, copy on write); when it cannot be, the copy stops and says how much is
 * missing. Addresses at or above USER_END fail at once. Between uaccess_faults_off and _on no fault is
 * resolved (a page lock is held): the copy comes up short instead.
 */
#include "types.h"

#define USER_END 0x00007ffffffff000ul   // first address that is never a user's

// Return the number of bytes NOT copied: 0 is success.
static inline size_t copy_to_user_part(void __user *to, const void *from, size_t nr_bytes) MUST_CHECK;
static inline size_t copy_from_user_part(void *to, const void __user *from, size_t nr_bytes) MUST_CHECK;
size_t clear_user_part(void __user *to, size_t nr_bytes) MUST_CHECK;
// 0 or -EFAULT.
int copy_to_user(void __user *to, const void *from, size_t nr_bytes) MUST_CHECK;
int copy_from_user(void *to, const void __user *from, size_t nr_bytes) MUST_CHECK;
// Copies a string with its final 0. Its length; -EFAULT; -ENAMETOOLONG when there is no end within size bytes.
ssize_t copy_string_from_user(char *to, const char __user *from, size_t size) MUST_CHECK;

// The FPU's registers, by XSAVE into and by XRSTOR from user memory of size bytes, 64-aligned; mask: which parts.
// 0 or -EFAULT, for _load also where the bytes are no state that the processor takes:
// the registers are then the old, the new, or mixed.
int user_fpu_save(void __user *area, size_t size, u64 mask) MUST_CHECK;
int user_fpu_load(const void __user *area, size_t size, u64 mask) MUST_CHECK;

// Atomically stores new where *word == expected; *seen is what was there. 0 or -EFAULT. Faults like a write.
int user_compare_exchange(u32 __user *word, u32 expected, u32 new, u32 *seen) MUST_CHECK;
// A store to the word that changes nothing, whatever others store there: 0, or -EFAULT.
static inline int user_touch_to_write(void __user *word)
{
	u32 seen;

	return user_compare_exchange(word, 0, 0, &seen);
}

void uaccess_faults_off(void);          // nests; per thread
void uaccess_faults_on(void);

// Reads one byte, so that its page is there: 0, or -1 when it cannot be. uaccess.asm.
int uaccess_touch(const void __user *at) MUST_CHECK;

static inline bool user_range_is_valid(const void __user *start, size_t nr_bytes)
{
	u64 a = (u64)start;

	return a < USER_END && nr_bytes <= USER_END - a;
}

// uaccess.asm; the range was checked.
size_t uaccess_copy(void *to, const void *from, size_t nr_bytes);

static inline size_t copy_to_user_part(void __user *to, const void *from, size_t nr_bytes)
{
	return user_range_is_valid(to, nr_bytes) ? uaccess_copy(to, from, nr_bytes) : nr_bytes;
}

static inline size_t copy_from_user_part(void *to, const void __user *from, size_t nr_bytes)
{
	return user_range_is_valid(from, nr_bytes) ? uaccess_copy(to, from, nr_bytes) : nr_bytes;
}
