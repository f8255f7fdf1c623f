#pragma once
/*
 * inherit.h - fork's page loop.
 */
#include "types.h"
#include "mm/addrspace.h"

// Shows the private pages of from in to as well, which has from's areas, read-only in both; the caller flushes from.
// from->lock is held for writing, and no thread runs in to. May sleep. -ENOMEM: some are shown.
int inherit_pages(struct addrspace *from, struct addrspace *to) MUST_CHECK;
