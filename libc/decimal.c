// The exact decimal digits of a double, for printf.
//
// A double is mantissa * 2^exponent. For a positive exponent that is a large integer; for a
// negative one it is mantissa * 5^-exponent / 10^-exponent: a large integer, too, and a place for
// the point. So it takes one kind of large number (limbs of nine decimal digits), multiplied by
// small ones.

#include "internal.h"

#include <string.h>

enum {
	LIMB = 1000000000,
	NR_LIMBS = 90,		// 2^53 * 5^1074 has 767 digits, 2^1024 has 309
};

struct large {
	unsigned int limbs[NR_LIMBS];	// the lowest first
	int nr;
};

static void large_multiply(struct large *large, unsigned int factor)
{
	unsigned long carry = 0;

	for (int i = 0; i < large->nr; i++) {
		carry += (unsigned long)large->limbs[i] * factor;
		large->limbs[i] = (unsigned int)(carry % LIMB);
		carry /= LIMB;
	}
	for (; carry > 0; carry /= LIMB)
		large->limbs[large->nr++] = (unsigned int)(carry % LIMB);
}

// Multiplies by base^power, step by step; base^chunk is the largest power of 32 bits.
static void large_multiply_power(struct large *large, unsigned int base, int power, int chunk)
{
	unsigned int factor = 1;

	for (int i = 0; i < chunk; i++)
		factor *= base;
	for (; power >= chunk; power -= chunk)
		large_multiply(large, factor);
	for (; power > 0; power--)
		large_multiply(large, base);
}

// Writes the digits, without leading zeroes.
static void large_to_digits(const struct large *large, struct decimal *decimal)
{
	int nr = 0;

	for (int i = large->nr; i-- > 0; ) {
		unsigned int limb = large->limbs[i];
		for (unsigned int place = LIMB / 10; place > 0; place /= 10) {
			char digit = (char)(limb / place % 10);
			if (nr > 0 || digit > 0)
				decimal->digits[nr++] = digit;
		}
	}
	decimal->nr_digits = nr;
}

void decimal_from_double(struct decimal *decimal, double value)
{
	unsigned long bits;
	struct large large = { .nr = 1 };

	memcpy(&bits, &value, sizeof(bits));
	unsigned long mantissa = bits & 0xffffffffffffful;
	int exponent = (int)(bits >> 52 & 0x7ff);
	if (exponent == 0)
		exponent = 1;		// a denormal number has no hidden bit
	else
		mantissa |= 1ul << 52;
	exponent -= 1075;
	while (mantissa != 0 && exponent < 0 && (mantissa & 1) == 0) {
		mantissa >>= 1;
		exponent++;
	}

	large.limbs[0] = (unsigned int)(mantissa % LIMB);
	for (mantissa /= LIMB; mantissa > 0; mantissa /= LIMB)
		large.limbs[large.nr++] = (unsigned int)(mantissa % LIMB);
	if (exponent > 0)
		large_multiply_power(&large, 2, exponent, 31);
	else
		large_multiply_power(&large, 5, -exponent, 13);
	large_to_digits(&large, decimal);
	decimal->point = decimal->nr_digits + (exponent < 0 ? exponent : 0);
	if (decimal->nr_digits == 0)
		decimal->point = 1;	// zero is 0 * 10^0
}

// Whether the digits from nr on are more than half a unit of the place before, or half beside odd.
static bool rounds_up(const struct decimal *decimal, int nr)
{
	if (nr < 0 || nr >= decimal->nr_digits)
		return false;
	if (decimal->digits[nr] != 5)
		return decimal->digits[nr] > 5;
	for (int i = nr + 1; i < decimal->nr_digits; i++) {
		if (decimal->digits[i] != 0)
			return true;
	}
	return nr > 0 && (decimal->digits[nr - 1] & 1);
}

void decimal_round(struct decimal *decimal, int nr)
{
	bool is_up = rounds_up(decimal, nr);

	if (nr >= decimal->nr_digits)
		return;
	if (nr < 0)
		nr = 0;
	decimal->nr_digits = nr;
	if (!is_up)
		return;
	while (nr > 0 && decimal->digits[nr - 1] == 9)
		decimal->digits[--nr] = 0;
	if (nr > 0) {
		decimal->digits[nr - 1]++;
		return;
	}
	// All nines: a one, with as many zeroes behind it as there were nines.
	decimal->digits[0] = 1;
	if (decimal->nr_digits == 0)
		decimal->nr_digits = 1;
	decimal->point++;
}
