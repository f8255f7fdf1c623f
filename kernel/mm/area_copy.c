/*
 * area_copy.c - fork's copy of all areas of a space. The new tree gets the shape and the sums of the old one,
 * node by node. Areas that the child is not to have (MADV_DONTFORK) stand in it for a moment, without their
 * source, and are taken out again. The parent's lock is held for writing; nobody but the reverse map sees
 * the child yet, and it asks for an area of it at most.
 */
#include "kernel.h"
#include "mm/addrspace.h"
#include "mm/area.h"
#include <abi/errno.h>

struct area_copy {
	struct addrspace *to;
	u32 nr_left_out;                // in the copy, of AREA_DONT_FORK
};

static struct area *area_twin(struct area_copy *copy, const struct area *a)
{
	bool is_left_out = a->flags & AREA_DONT_FORK;
	u32 flags = a->flags & ~(u32)(AREA_LOCKED | AREA_LOCKED_LATE);
	struct area *twin = area_alloc(copy->to, a->start, a->end, flags, is_left_out ? NULL : a->file, area_first(a));

	if (!twin)
		return NULL;
	twin->gap = a->gap;
	twin->largest_gap = a->largest_gap;
	if (is_left_out) {
		copy->nr_left_out++;
		return twin;
	}
	twin->cache = a->cache;
	twin->has_private_pages = a->has_private_pages && !(a->flags & (AREA_SHARED | AREA_WIPE_ON_FORK));
	area_enter_cache(twin);
	return twin;
}

// As deep as the tree is high.
static int copy_subtree(struct area_copy *copy, const struct rb_node *from, struct rb_node *parent,
			struct rb_node **link)
{
	struct area *twin = area_twin(copy, rb_entry(from, struct area, node));
	int error = 0;

	if (!twin)
		return -ENOMEM;
	twin->node = (struct rb_node){ .parent = parent, .is_red = from->is_red };
	*link = &twin->node;
	if (from->left)
		error = copy_subtree(copy, from->left, &twin->node, &twin->node.left);
	if (from->right && !error)
		error = copy_subtree(copy, from->right, &twin->node, &twin->node.right);
	return error;
}

int areas_copy(struct addrspace *from, struct addrspace *to)
{
	struct area_copy copy = { .to = to };

	to->areas.update = from->areas.update;
	to->nr_areas = from->nr_areas;
	to->nr_pages_mapped = from->nr_pages_mapped;
	to->areas_end = from->areas_end;
	addrspace_promise(to, (i64)from->nr_pages_committed);
	int error = from->areas.root ? copy_subtree(&copy, from->areas.root, NULL, &to->areas.root) : 0;

	for (struct area *a = area_find_from(to, 0); copy.nr_left_out && !error;) {
		struct list dead = LIST_INIT(dead);
		struct area *gone = a;

		if (!(a->flags & AREA_DONT_FORK)) {
			a = area_next(a);
			continue;
		}
		a = area_take_out(to, gone, gone->end, &dead);
		area_free(gone);
		copy.nr_left_out--;
	}
	return error;
}
