/*
 * random.c - ChaCha20 (RFC 8439) as a generator that forgets: each request makes one block, half of which
 * is the new key; the other half is what was asked for, or the key of as many blocks as were asked for.
 * state_lock covers the key; it is a leaf and short, since blocks for the caller are made outside of it.
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

static inline void quarter_round(u32 *a, u32 *b, u32 *c, u32 *d)
{
	*a += *b;
	*d = rotate(*d ^ *a, 16);
	*c += *d;
	*b = rotate(*b ^ *c, 12);
	*a += *b;
	*d = rotate(*d ^ *a, 8);
	*c += *d;
	*b = rotate(*b ^ *c, 7);
}

// The eight quarter rounds by name: so the compiler keeps the words in registers.
static void chacha_block(const u32 *k, u64 counter, u64 nonce, u32 *out)
{
	const u32 input[BLOCK_WORDS] = {
		0x61707865, 0x3320646e, 0x79622d32, 0x6b206574,         // "expand 32-byte k"
		k[0], k[1], k[2], k[3], k[4], k[5], k[6], k[7],
		(u32)counter, (u32)(counter >> 32), (u32)nonce, (u32)(nonce >> 32),
	};
	u32 s[BLOCK_WORDS];

	memcpy(s, input, sizeof(s));
	for (u32 round = 0; round < 10; round++) {
		quarter_round(&s[0], &s[4], &s[8], &s[12]);             // the columns
		quarter_round(&s[1], &s[5], &s[9], &s[13]);
		quarter_round(&s[2], &s[6], &s[10], &s[14]);
		quarter_round(&s[3], &s[7], &s[11], &s[15]);
		quarter_round(&s[0], &s[5], &s[10], &s[15]);            // the diagonals
		quarter_round(&s[1], &s[6], &s[11], &s[12]);
		quarter_round(&s[2], &s[7], &s[8], &s[13]);
		quarter_round(&s[3], &s[4], &s[9], &s[14]);
	}
	for (u32 i = 0; i < BLOCK_WORDS; i++)
		out[i] = s[i] + input[i];
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

// One block from the key and what the hardware says now: a half of it is the new key,
// the other half is for whoever asked. Neither tells the other, nor the old key. state_lock held.
static void turn_key(u64 extra, u32 own[KEY_WORDS])
{
	u32 block[BLOCK_WORDS];

	chacha_block(key, hardware_word(), hardware_word() ^ extra, block);
	memcpy(key, block, sizeof(key));
	memcpy(own, block + KEY_WORDS, sizeof(key));
}

void random_mix(const void *from, size_t nr_bytes)
{
	const u8 *bytes = from;
	u32 unused[KEY_WORDS];
	u64 flag = spin_lock_irq(&state_lock);

	for (size_t done = 0; done < nr_bytes; done += sizeof(u64)) {
		u64 word = 0;

		memcpy(&word, bytes + done, min(nr_bytes - done, sizeof(word)));
		turn_key(word, unused);
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
	u32 own[KEY_WORDS], block[BLOCK_WORDS];
	u8 *bytes = to;
	u64 flag = spin_lock_irq(&state_lock);

	turn_key(0, own);
	spin_unlock_irq(&state_lock, flag);
	if (nr_bytes <= sizeof(own)) {          // the half block is enough
		memcpy(bytes, own, nr_bytes);
		nr_bytes = 0;
	}
	for (u64 counter = 0; nr_bytes; counter++) {
		size_t n = min(nr_bytes, sizeof(block));

		chacha_block(own, counter, 1, block);
		memcpy(bytes, block, n);
		bytes += n;
		nr_bytes -= n;
	}
	memset(own, 0, sizeof(own));
	memset(block, 0, sizeof(block));
}

u64 random_u64(void)
{
	u64 value;

	random_bytes(&value, sizeof(value));
	return value;
}
