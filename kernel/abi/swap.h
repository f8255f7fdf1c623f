#pragma once
/*
 * swap.h - swapon(2)'s flags, and the header that mkswap writes into the first page of a swap area.
 */

#define SWAP_FLAG_PREFER 0x8000
#define SWAP_FLAG_PRIO_MASK 0x7fff
#define SWAP_FLAG_DISCARD 0x10000
#define SWAP_FLAGS_VALID (SWAP_FLAG_PREFER | SWAP_FLAG_PRIO_MASK | SWAP_FLAG_DISCARD)

#define SWAP_VERSION 1
#define SWAP_MAGIC "SWAPSPACE2"
#define SWAP_BAD_MAX 637                // as many as fit before the magic

struct swap_header {                    // one page of 4096 bytes
	unsigned char boot[1024];                  // left to boot loaders and disk labels
	unsigned int version;
	unsigned int last_page;                  // the last usable page's number
	unsigned int nr_bad_pages;
	unsigned char uuid[16];
	char label[16];
	unsigned int padding[117];
	unsigned int bad_pages[SWAP_BAD_MAX];
	unsigned char unused[2];
	char magic[10];
} __attribute__((packed));
_Static_assert(sizeof(struct swap_header) == 4096, "a page");
