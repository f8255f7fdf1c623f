#pragma once
/*
 * radix_alloc.h - the slab behind radix_node_alloc.
 */

void radix_alloc_init(void);            // after slab_init, before the first cache
