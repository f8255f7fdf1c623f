/*
 * tlb.c - making every CPU forget an entry. addrspace.cpu_set names the CPUs that may have entries of it: a CPU
 * enters the set before it loads the table and leaves it after it has loaded another. The flusher changes the
 * entries first and reads the set afterwards, both fully ordered, so a CPU that it does not see has not yet
 * loaded anything old. The call to the other CPUs returns when all have acknowledged (x86/smp.c).
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/addrspace.h"
#include "mm/frame.h"
#include "mm/huge.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include "x86/kernel_map.h"
#include "x86/smp.h"
#include "x86/tlb.h"
#include "x86/uaccess.h"
#include "x86/insn.h"

#define FLUSH_ALL_ABOVE 32              // pages; more are forgotten with the whole table

struct flush_request {
	struct addrspace *space;
	vaddr_t start, end;
};

void tlb_flush_page_local(vaddr_t va)
{
	invalidate_page(va);
}

static void flush_here(void *argument)
{
	struct flush_request *r = argument;

	if (this_cpu()->active_space != r->space)
		return;
	if ((r->end - r->start) >> PAGE_SHIFT > FLUSH_ALL_ABOVE) {
		write_cr3(read_cr3());
		return;
	}
	for (vaddr_t va = r->start; va < r->end; va += PAGE_SIZE)
		invalidate_page(va);
}

void tlb_flush_range(struct addrspace *as, vaddr_t start, vaddr_t end)
{
	struct flush_request request = { as, start, end };

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	u64 others = atomic_load(&as->cpu_set) & ~(1ul << this_cpu()->id);

	flush_here(&request);
	count(COUNTER_TLB_SHOOTDOWNS);
	if (others) {
		for (u64 set = others; set; set &= set - 1)
			count(COUNTER_TLB_IPIS);
		smp_call(others, flush_here, &request);
	}
}

void tlb_flush_tables(struct addrspace *as)
{
	tlb_flush_range(as, 0, USER_END);
}

static void abandon_here(void *argument)
{
	struct addrspace *as = argument;
	struct cpu *cpu = this_cpu();

	if (cpu->active_space != as)
		return;
	cpu->active_space = NULL;
	cpu->active_root = kernel_root;
	write_cr3(kernel_root);
	atomic_and(&as->cpu_set, ~(1ul << cpu->id));
	addrspace_ref_put(as);
}

void tlb_abandon(struct addrspace *as)
{
	u64 flag = interrupts_close();

	abandon_here(as);
	interrupts_restore(flag);
	u64 others = atomic_load(&as->cpu_set) & ~(1ul << this_cpu()->id);

	if (others)
		smp_call(others, abandon_here, as);
}

void tlb_batch_init(struct tlb_batch *b, struct addrspace *as)
{
	b->space = as;
	b->start = U64_MAX;
	b->end = 0;
	b->nr_pages = b->nr_blocks = 0;
}

void tlb_batch_add_range(struct tlb_batch *b, vaddr_t start, vaddr_t end)
{
	b->start = min(b->start, start);
	b->end = max(b->end, end);
}

void tlb_batch_flush(struct tlb_batch *b)
{
	if (b->start < b->end)
		tlb_flush_range(b->space, b->start, b->end);
	pages_put(b->pages, b->nr_pages);
	for (u32 i = 0; i < b->nr_blocks; i++)
		huge_put(b->blocks[i]);
	tlb_batch_init(b, b->space);
}

void tlb_gather_add(struct tlb_gather *g, struct addrspace *as)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	g->cpu_set |= atomic_load(&as->cpu_set);
}

static void forget_everything(void *unused)
{
	(void)unused;
	write_cr3(read_cr3());
}

void tlb_gather_flush(struct tlb_gather *g)
{
	u64 me = 1ul << this_cpu()->id, others = g->cpu_set & ~me;

	if (!g->cpu_set)
		return;
	count(COUNTER_TLB_SHOOTDOWNS);
	if (g->cpu_set & me)
		forget_everything(NULL);
	if (others) {
		for (u64 set = others; set; set &= set - 1)
			count(COUNTER_TLB_IPIS);
		smp_call(others, forget_everything, NULL);
	}
	g->cpu_set = 0;
}

/*
 * A CPU that runs threads of one process never needs to forget everything, and on a processor that is best. QEMU's
 * emulation keeps what it remembers of page tables in a table of its own, which starts with 256 entries and can only
 * grow when it is flushed: a thread that went over more pages walked the page tables again and again. Filling a TLB
 * anew each 40 ms costs a processor nothing that could be measured.
 */
#define TICKS_BETWEEN_FLUSHES 8u

void tlb_tick(void)
{
	if (++this_cpu()->nr_ticks % TICKS_BETWEEN_FLUSHES == 0)
		write_cr3(read_cr3());
}
