/*
 * plug.c - bios that a thread keeps back until it has submitted all that it has in hand, so that they meet
 * in the disk's queue and go with one notification. A plug lies on its thread's stack and is that thread's alone:
 * no lock. The thread gives them away when it says so, when there are many, and before it sleeps,
 * since it may be about to wait for one.
 */
#include "dev/block.h"
#include "kernel.h"
#include "proc/thread.h"
#include "x86/cpu.h"

#define PLUG_MAX 128u                   // bios

void block_plug(struct plug *plug)
{
	list_init(&plug->bios);
	plug->nr = 0;
	if (!current->plug)
		current->plug = plug;
}

// One disk's part of what was kept back.
static void submit_part(struct plug *plug)
{
	struct block_device *d = list_first(&plug->bios, struct bio, link)->device;
	struct list bios = LIST_INIT(bios);
	struct bio *bio, *following;

	list_for_each_safe(bio, following, &plug->bios, link) {
		if (bio->device != d)
			continue;
		list_remove(&bio->link);
		list_push_back(&bios, &bio->link);
	}
	d->submit(d, &bios);
}

void block_unplug_now(struct thread *t)
{
	struct plug *plug = t->plug;

	plug->nr = 0;
	while (!list_is_empty(&plug->bios))
		submit_part(plug);
}

void block_unplug(struct plug *plug)
{
	if (current->plug != plug)
		return;
	block_unplug_now(current);
	current->plug = NULL;
}

void plug_add(struct plug *plug, struct bio *bio)
{
	list_push_back(&plug->bios, &bio->link);
	if (++plug->nr == PLUG_MAX)
		block_unplug_now(current);
}
