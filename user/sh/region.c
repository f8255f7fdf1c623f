/*
 * Memory of the shell. A parse tree lives as long as its command runs, an expansion as long as its
 * simple command: both are built from many small pieces and thrown away together, so they come
 * from a region. What must live longer (variables) is copied with strdup.
 */
#include "sh.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REGION_BLOCK = 2000, ALIGNMENT = 16 };

struct region_block {
	struct region_block *next;
	size_t used, size;
	char data[] __attribute__((aligned(16)));
};

void *must(void *memory)
{
	if (!memory) {
		fprintf(stderr, "sh: out of memory\n");
		_exit(2);
	}
	return memory;
}

void *region_alloc(struct region *r, size_t size)
{
	struct region_block *b = r->blocks;

	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (!b || b->size - b->used < size) {
		size_t room = size > REGION_BLOCK ? size : REGION_BLOCK;

		b = must(malloc(sizeof(*b) + room));
		b->next = r->blocks;
		b->used = 0;
		b->size = room;
		r->blocks = b;
	}
	void *memory = b->data + b->used;
	b->used += size;
	return memset(memory, 0, size);
}

char *region_strndup(struct region *r, const char *text, size_t len)
{
	char *copy = region_alloc(r, len + 1);

	memcpy(copy, text, len);
	return copy;
}

void region_free(struct region *r)
{
	while (r->blocks) {
		struct region_block *b = r->blocks;

		r->blocks = b->next;
		free(b);
	}
}

void text_add(struct text *t, char c)
{
	if (t->len + 2 > t->size) {
		t->size = t->size ? 2 * t->size : 64;
		t->data = must(realloc(t->data, t->size));
	}
	t->data[t->len++] = c;
	t->data[t->len] = '\0';
}

void text_add_string(struct text *t, const char *s)
{
	while (*s)
		text_add(t, *s++);
}

void text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){ 0 };
}
