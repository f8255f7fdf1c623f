// BUILD: -iquote tests/unit/host
/*
 * random_test.c - the generator's cipher against RFC 8439's example, and that it forgets and does not repeat.
 */
#include "sync/lock.h"

bool host_interrupts_are_open = true;

void spin_lock_slow(struct spinlock *l)
{
	require(!l->word);              // there is one thread: it must never find the lock taken
}

#include "kernel/lib/random.c"

static void cipher(void)
{
	static const u32 expected[16] = {
		0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
		0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9, 0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2,
	};
	u32 out[16], example_key[8];
	u8 bytes[32];

	for (u8 i = 0; i < 32; i++)
		bytes[i] = i;
	memcpy(example_key, bytes, sizeof(bytes));
	chacha_block(example_key, 0x0900000000000001, 0x4a000000, out);
	ok(memcmp(out, expected, sizeof(out)) == 0, "the example of RFC 8439, 2.3.2");
}

static void output(void)
{
	static u8 bytes[100000];
	u32 counts[256] = { 0 }, old_key[KEY_WORDS];
	bool is_even = true;

	random_init();
	memcpy(old_key, key, sizeof(key));
	random_bytes(bytes, sizeof(bytes));
	ok(memcmp(old_key, key, sizeof(key)) != 0, "each request replaces the key");
	for (size_t i = 0; i < sizeof(bytes); i++)
		counts[bytes[i]]++;
	for (u32 i = 0; i < 256; i++)
		is_even &= counts[i] > 250 && counts[i] < 550;  // 390 is the mean, 20 the deviation
	ok(is_even, "every byte comes about as often as the others");
	ok(random_u64() != random_u64(), "two words differ");

	memset(bytes, 0x55, 64);
	random_bytes(bytes, 31);
	ok(memcmp(bytes, key, 31) != 0 && bytes[31] == 0x55, "a short request does not get the key");
	memset(bytes, 0x55, 64);
	random_bytes(bytes, 33);
	ok(bytes[33] == 0x55 && bytes[63] == 0x55, "no byte more than asked for");
}

int main(void)
{
	cipher();
	output();
	return tap_end();
}
