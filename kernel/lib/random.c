/*
 * random.c - ChaCha20 (RFC 8439) as a generator that forgets: each request takes one block for a new key, and the
 * following blocks, under that key, for the caller. state_lock covers the key; it is a leaf and short, since blocks for
 * the caller are made outside of it.
 */
#include "lib/random.h"
#include "lib/string.h"
#include "sync/lock.h"
#include "x86/insn.h"

#define BLOCK_WORDS 16
#define KEY_WORDS 8
#define RDRAND_TRIES 10

static struct spinlock state_lock = SPINLOCK_INIT("random", RANK_DEVICE);
static u32 key[KEY_WORDS];                      // GUARDED_BY(state_lock)
static bool has_rdrand;                         // constant after random_init

static u32 rotate(u32 x, u32 n)
{
	return x << n | x >> (32 - n);
}

static void quarter_round(u32 *s, u32 a, u32 b, u32 c, u32 d)
{
	s[a] += s[b];
	s[d] = rotate(s[d] ^ s[a], 16);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 12);
	s[a] += s[b];
	s[d] = rotate(s[d] ^ s[a], 8);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 7);
}

static void chacha_block(const u32 *k, u64 counter, u64 nonce, u32 *out)
{
	const u32 input[BLOCK_WORDS] = {
		0x61707865, 0x3320646e, 0x79622d32, 0x6b206574,         // "expand 32-byte k"
		k[0], k[1], k[2], k[3], k[4], k[5], k[6], k[7],
		(u32)counter, (u32)(counter >> 32), (u32)nonce, (u32)(nonce >> 32),
	};

	memcpy(out, input, sizeof(input));
	for (u32 round = 0; round < 10; round++) {
		for (u32 i = 0; i < 4; i++)
			quarter_round(out, i, i + 4, i + 8, i + 12);
		for (u32 i = 0; i < 4; i++)
			quarter_round(out, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
	}
	for (u32 i = 0; i < BLOCK_WORDS; i++)
		out[i] += input[i];
}

// From the processor's generator, or 0 when it has none or is exhausted; always with the time stamp.
static u64 hardware_word(void)
{
	u64 value = 0;

	for (u32 i = 0; has_rdrand && i < RDRAND_TRIES; i++)
		if (read_hardware_random(&value))
			break;
	return value ^ read_tsc() * 0x9e3779b97f4a7c15ul;
}

// A new key from the old one and what the hardware says now. state_lock held.
static void new_key(u64 extra)
{
	u32 block[BLOCK_WORDS];

	chacha_block(key, hardware_word(), hardware_word() ^ extra, block);
	memcpy(key, block, sizeof(key));
}

void random_mix(const void *from, size_t nr_bytes)
{
	const u8 *bytes = from;
	u64 flag = spin_lock_irq(&state_lock);

	for (size_t done = 0; done < nr_bytes; done += sizeof(u64)) {
		u64 word = 0;

		memcpy(&word, bytes + done, min(nr_bytes - done, sizeof(word)));
		new_key(word);
	}
	spin_unlock_irq(&state_lock, flag);
}

void random_init(void)
{
	has_rdrand = cpuid(1, 0).ecx >> 30 & 1;
	for (u32 i = 0; i < KEY_WORDS; i++)
		random_mix(&i, sizeof(i));
}

void random_bytes(void *to, size_t nr_bytes)
{
	u32 own_key[KEY_WORDS], block[BLOCK_WORDS];
	u8 *bytes = to;
	u64 flag = spin_lock_irq(&state_lock);

	// The first block's two halves: one key for this call, one that stays. Neither tells the other.
	new_key(0);
	chacha_block(key, 0, 0, block);
	memcpy(own_key, block, sizeof(own_key));
	memcpy(key, block + KEY_WORDS, sizeof(key));
	spin_unlock_irq(&state_lock, flag);

	for (u64 counter = 0; nr_bytes; counter++) {
		size_t n = min(nr_bytes, sizeof(block));

		chacha_block(own_key, counter, 1, block);
		memcpy(bytes, block, n);
		bytes += n;
		nr_bytes -= n;
	}
	memset(own_key, 0, sizeof(own_key));
	memset(block, 0, sizeof(block));
}

u64 random_u64(void)
{
	u64 value;

	random_bytes(&value, sizeof(value));
	return value;
}
