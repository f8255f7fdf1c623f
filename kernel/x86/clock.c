/*
 * clock.c - monotonic time from the time-stamp counter, and the local APIC's timer as alarm clock.
 * At boot the first CPU measures both against a clock whose rate is known: the ACPI PM timer, else channel 2 of the
 * PIT; a hypervisor that tells the TSC's rate is believed. The other CPUs are taken to run at the same rate and from
 * the same start, which every processor since 2008 does; QEMU's CPUs share one counter.
 *
 * User code reads the same counter and computes the same by the copy of `times` that clock_show() was given (vdso/).
 */
#include "x86/clock.h"
#include "boot/bootinfo.h"
#include "kernel.h"
#include "lib/atomic.h"
#include "proc/timer.h"
#include "sync/lock.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/idt.h"
#include "x86/insn.h"
#include "x86/irq.h"
#include "x86/rtc.h"

enum {
	PM_TIMER_HZ = 3579545,
	PIT_HZ = 1193182,
	MEASURE_US = 5000,
	CPUID_HYPERVISOR = 0x40000000,
};

static u64 tsc_khz;
static u64 alarm_multiplier;            // timer ticks per ns << CLOCK_SHIFT
static struct clock_page times;         // realtime_offset_ns: atomic; the rest is constant after clock_init
static struct spinlock shown_lock = SPINLOCK_INIT("clock page", RANK_LOG);
static struct clock_page *shown;        // GUARDED_BY(shown_lock) the copy that users read; NULL: not yet

u64 clock_tsc_khz(void)
{
	return tsc_khz;
}

u64 clock_monotonic_ns(void)
{
	return clock_page_monotonic_ns(&times, read_tsc());
}

u64 clock_monotonic_ns_at(u64 tsc)
{
	return clock_page_monotonic_ns(&times, tsc);
}

u64 clock_realtime_ns(void)
{
	return clock_monotonic_ns() + (u64)atomic_load(&times.realtime_offset_ns);
}

u64 clock_coarse_ns(void)
{
	return this_cpu()->last_tick_ns;
}

u64 clock_realtime_coarse_ns(void)
{
	return clock_coarse_ns() + (u64)atomic_load(&times.realtime_offset_ns);
}

// shown_lock held. A reader that sees an odd sequence, or two different ones, reads again.
static void update_shown(void)
{
	u32 sequence = shown->sequence;

	WRITE_ONCE(shown->sequence, sequence + 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	shown->tsc_is_usable = times.tsc_is_usable;
	shown->tsc_start = times.tsc_start;
	shown->ns_multiplier = times.ns_multiplier;
	shown->realtime_offset_ns = times.realtime_offset_ns;
	atomic_store(&shown->sequence, sequence + 2);
}

void clock_set_realtime_ns(u64 ns)
{
	u64 flag = spin_lock_irq(&shown_lock);

	atomic_store(&times.realtime_offset_ns, (i64)(ns - clock_monotonic_ns()));
	if (shown)
		update_shown();
	spin_unlock_irq(&shown_lock, flag);
}

void clock_show(struct clock_page *page)
{
	u64 flag = spin_lock_irq(&shown_lock);

	shown = page;
	update_shown();
	spin_unlock_irq(&shown_lock, flag);
}

void clock_delay_us(u64 us)
{
	u64 end = read_tsc() + us * tsc_khz / 1000;

	while ((i64)(read_tsc() - end) < 0)
		cpu_pause();
}

// --- measuring ---

struct sample { u64 tsc; u32 alarm, reference; };

static u32 pm_timer_read(void)
{
	return port_in32(acpi.pm_timer_port);
}

// The smallest of a few windows: a host that takes the CPU away between the reads must not spoil the measure.
static struct sample pm_sample(void)
{
	struct sample best = { 0 };
	u64 best_window = U64_MAX;

	for (int i = 0; i < 5; i++) {
		u64 before = read_tsc();
		u32 reference = pm_timer_read();
		u32 alarm = apic_timer_left();
		u64 after = read_tsc();

		if (after - before < best_window) {
			best_window = after - before;
			best = (struct sample){ before + (after - before) / 2, alarm, reference };
		}
	}
	return best;
}

// Ticks of the TSC and of the alarm clock, and the time that they took.
struct measure { u64 tsc, alarm, ns; };

static struct measure measure_by_pm_timer(void)
{
	u32 mask = acpi.pm_timer_is_32_bit ? U32_MAX : 0xffffff;
	struct sample a = pm_sample();
	struct sample b;

	while (((pm_timer_read() - a.reference) & mask) < PM_TIMER_HZ / 1000 * MEASURE_US / 1000)
		cpu_pause();
	b = pm_sample();
	return (struct measure){
		.tsc = b.tsc - a.tsc,
		.alarm = a.alarm - b.alarm,
		.ns = (u64)((b.reference - a.reference) & mask) * 1000000000 / PM_TIMER_HZ,
	};
}

// Channel 2 counts down once; its output, bit 5 of port 61h, goes up at the end.
static struct measure measure_by_pit(void)
{
	u32 count = PIT_HZ / 1000 * MEASURE_US / 1000;
	u64 tsc;
	u32 alarm;

	port_out8(0x61, (port_in8(0x61) & ~2u) | 1);
	port_out8(0x43, 0xb0);
	port_out8(0x42, (u8)count);
	port_out8(0x42, (u8)(count >> 8));
	tsc = read_tsc();
	alarm = apic_timer_left();
	while (!(port_in8(0x61) & 0x20))
		cpu_pause();
	return (struct measure){
		.tsc = read_tsc() - tsc,
		.alarm = alarm - apic_timer_left(),
		.ns = (u64)count * 1000000000 / PIT_HZ,
	};
}

// KVM and VMware tell the TSC's kHz in leaf 40000010h.
static u64 khz_from_hypervisor(void)
{
	if (!features.is_virtual || cpuid(CPUID_HYPERVISOR, 0).eax < CPUID_HYPERVISOR + 0x10)
		return 0;
	return cpuid(CPUID_HYPERVISOR + 0x10, 0).eax;
}

static void alarm_interrupt(void *owner)
{
	(void)owner;
	timer_interrupt();
}

void clock_init(u64 boot_tsc)
{
	struct measure m;
	u64 told = khz_from_hypervisor();

	apic_timer_start(U32_MAX);
	m = acpi.pm_timer_port ? measure_by_pm_timer() : measure_by_pit();
	apic_timer_start(0);
	tsc_khz = told ? told : m.tsc * 1000000 / m.ns;
	times.ns_multiplier = (1000000ul << CLOCK_SHIFT) / tsc_khz;
	alarm_multiplier = (m.alarm << CLOCK_SHIFT) / m.ns;
	times.tsc_start = boot_tsc;
	times.tsc_is_usable = !command_line_has("novdso");
	clock_set_realtime_ns(rtc_read_seconds() * 1000000000);
	irq_set_handler(VECTOR_TIMER, alarm_interrupt, NULL);
	printk("clock: TSC %lu.%03lu MHz by %s, alarm %lu kHz\n", tsc_khz / 1000, tsc_khz % 1000,
		told ? "the hypervisor" : acpi.pm_timer_port ? "the PM timer" : "the PIT", m.alarm * 1000000 / m.ns);
}

void clock_program(u64 deadline_ns)
{
	u64 now = clock_monotonic_ns();
	u64 ticks = deadline_ns > now ? multiply_shift(min(deadline_ns - now, 1000000000ul), alarm_multiplier) : 0;

	// Not later than in a second: timer_interrupt() looks at the queue and comes back for the rest.
	apic_timer_start((u32)min(ticks + 1, (u64)U32_MAX));
}
