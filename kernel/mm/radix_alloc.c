/*
 * radix_alloc.c - where the kernel's radix nodes come from. Apart from radix.c, so that host tests bring their own.
 */
#include "lib/radix.h"
#include "mm/radix_alloc.h"
#include "mm/slab.h"

static struct slab_cache radix_nodes;

void radix_alloc_init(void)
{
	slab_cache_init(&radix_nodes, "radix_node", sizeof(struct radix_node), 64);
}

struct radix_node *radix_node_alloc(void)
{
	return slab_alloc(&radix_nodes);
}

void radix_node_free(struct radix_node *node)
{
	slab_free(&radix_nodes, node);
}
