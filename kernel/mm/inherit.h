#pragma once
/*
 * inherit.h - fork's page loop.
 */
#include "types.h"
#include "mm/addrspace.h"

// Shows the private pages of from's area in to as well, read-only in both; the caller flushes from. from->lock is held for
// writing, and no thread runs in to. May sleep. -ENOMEM: some are shown.
int inherit_pages(struct addrspace *from, struct addrspace *to, const struct area *a) MUST_CHECK;
