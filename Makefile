# Lectern: the one makefile.  `make help` lists what it can do.
# Everything goes to $(B).  The lists of sources stand in reading order.

B      ?= build
PYTHON ?= python3
NASM   ?= nasm
HOSTCC ?= cc

# `make` alone uses every processor; say -j1 for a readable log.
JOBS := $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))
MAKEFLAGS += --no-builtin-rules $(JOBS)
.SECONDEXPANSION:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

# --- the compiler ----------------------------------------------------------
# CROSS= names the prefix of the cross tools.  Without it: the toolchain of
# `make toolchain`, one that the distribution installed, or the native
# compiler where it makes x86-64 ELF anyway.  `make CC=clang` works too.
ifeq ($(origin CROSS),undefined)
CROSS := $(shell for p in toolchain/bin/x86_64-elf- x86_64-elf- x86_64-linux-gnu-; do \
	command -v $${p}gcc >/dev/null 2>&1 && { echo $$p; exit; }; done; \
	case $$(cc -dumpmachine 2>/dev/null) in (x86_64*linux*) ;; \
	(*) echo x86_64-elf- ;; esac)
endif
CC := $(if $(filter default,$(origin CC)),$(CROSS)gcc,$(CC))
# A binutil by name: the cross one, else LLVM's.
tool    = $(shell command -v $(CROSS)$(1) || command -v llvm-$(1) || echo $(CROSS)$(1))
LD      := $(shell command -v $(CROSS)ld || command -v ld.lld || echo $(CROSS)ld)
AR      := $(call tool,ar)
NM      := $(call tool,nm)
OBJDUMP := $(call tool,objdump)
IS_CLANG   := $(shell $(CC) --version 2>/dev/null | grep -c clang)
CC_VERSION := $(if $(filter 0,$(IS_CLANG)),gcc,clang)-$(shell $(CC) -dumpversion | cut -d. -f1)
TARGET     := $(if $(filter 0,$(IS_CLANG)),,--target=x86_64-unknown-none-elf)
# A warning is an error only where we have seen the compiler's warnings.
WERROR     := $(if $(filter gcc-12 clang-14,$(CC_VERSION)),-Werror)

# V=1 shows the commands instead of a word for each.
Q   := $(if $(V),,@)
say  = $(if $(V),,@printf '  %-5s %s\n' $(1) $@;)

# --- flags -----------------------------------------------------------------
FREE   := $(TARGET) -std=gnu11 -O2 -g -ffreestanding -nostdinc -fno-pic -fno-pie \
	  -fno-stack-protector -fcf-protection=none -MMD -MP -Wall -Wextra $(WERROR)
KFLAGS := $(FREE) -mno-red-zone -mgeneral-regs-only -mcmodel=kernel \
	  -fno-omit-frame-pointer -fno-strict-aliasing -fno-asynchronous-unwind-tables \
	  -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wvla -Wframe-larger-than=1024 -Ikernel -I.
# The debug kernel: lock ranks, poison, the audit, undefined behaviour; without null
# and alignment checks: the processor makes the first, x86 allows the second.
DFLAGS := -DDEBUG -fsanitize=undefined -fno-sanitize=null,alignment,object-size \
	  -Wframe-larger-than=2048 $(if $(filter 0,$(IS_CLANG)),-Wno-maybe-uninitialized) -Wno-array-bounds
UFLAGS := $(FREE) -fno-asynchronous-unwind-tables -Ilibc/include -Ikernel -Iuser/lib
UNITFLAGS := -DLECTERN_HOST -include tests/unit/host.h -std=gnu11 -g -O1 \
	  -fsanitize=address,undefined -fno-omit-frame-pointer -Wall -Wextra -MMD -MP -Itests/unit -Ikernel -I.
ULINK  := -static -z noexecstack -z separate-code
# The boot page is writable code, on purpose and for a moment: newer linkers warn.
KLINK  := -static -nostdlib -z noexecstack -T linker.ld \
	  $(shell $(LD) --help 2>/dev/null | grep -o -m1 -e --no-warn-rwx-segments)

# --- what the kernel is made of, in reading order ---------------------------
in = $(addprefix $(1)/,$(2))
# From power-on to the first C function, and what the loader left.
KSRC := $(call in,boot,boot.asm ap.asm bootinfo.c) kernel/main.c
# The processor: ways in and out, page tables, the clock, the other CPUs.
KSRC += $(call in,kernel/x86,entry.asm trap.c idt.c segs.c switch.asm uaccess.asm uaccess.c page_zero.asm \
	features.c fpu.c kernel_map.c pgtable.c pgtable_huge.c tlb.c acpi.c apic.c irq.c clock.c vdso_image.asm rtc.c smp.c)
# What a process sees (areas, the fault, the calls), then what memory is made of.
KSRC += $(call in,kernel/mm,addrspace.c inherit.c area.c area_copy.c area_look.c fault.c fault_anon.c fault_file.c huge.c hugetlb.c rmap.c mmap.c limits.c commit.c unmap.c teardown.c \
	protect.c remap.c mlock.c advise.c lazy_free.c resident.c user_page.c msync.c iobuf.c frame.c page_later.c slab.c radix_alloc.c \
	reclaim.c reclaim_batch.c reclaim_fifo.c reclaim_clock.c reclaim_two_list.c workingset.c reclaim_tables.c \
	rmap_anon.c swap.c swap_slots.c swap_io.c swap_out.c swap_in.c swap_off.c oom.c)
# What a file's bytes are in memory.
KSRC += $(call in,kernel/cache,cache.c truncate.c pagelock.c readahead.c writeback.c flusher.c)
# Threads, processes, signals, time.
KSRC += $(call in,kernel/proc,thread.c sched.c process.c init.c fork.c exec.c exec_find.c exec_strings.c exec_stack.c vdso.c elf.c exit.c \
	wait.c group.c signal.c handlers.c sigframe.c futex.c robust.c timer.c interval.c alarm.c cpu_alarm.c posix_timer.c deferred.c)
# The system calls, a family a file.
KSRC += $(call in,kernel/sys,table.c arguments.c memory.c open.c descriptors.c socket.c readwrite.c space.c parts.c splice.c copy.c locks.c stat.c names.c \
	directories.c attributes.c mount.c swap.c poll.c epoll.c process.c futex.c sched.c signal.c timer.c time.c system.c absent.c)
# The three locks, looking without one, and the check of their order.
KSRC += $(call in,kernel/sync,spinlock.c mutex.c rwlock.c look.c wait.c lockcheck.c)
# From the bus to the disk, and the terminal.
KSRC += $(call in,kernel/dev,device.c pci.c virtio.c virtio_block.c virtio_request.c queue.c block.c plug.c bio.c iotrace.c serial.c screen.c \
	keyboard.c line.c terminal.c terminal_ioctl.c terminal_job.c host_stream.c)
# What is tested on the host, too; and saying what happened.
KSRC += $(call in,kernel/lib,string.c format.c parse.c rbtree.c interval.c radix.c random.c)
KSRC += $(call in,kernel/debug,log.c panic.c backtrace.c faultlog.c calllog.c counters.c audit.c ubsan.c)
# Names, inodes, open files, the file systems of memory and devices; ext2; the kernel as files.
KSRC += $(call in,fs,path.c open.c dentry.c inode.c times.c inode_sync.c file.c file_later.c file_read.c file_write.c file_direct.c file_seek.c file_sync.c file_page.c allocate.c seals.c size_limit.c locks.c attributes.c \
	change.c executing.c mount.c poll.c epoll.c unnamed.c pipe.c pipe_ring.c pipe_splice.c eventfd.c timerfd.c signalfd.c socketpair.c devfs.c dev_memory.c dev_block.c)
KSRC += $(call in,fs/tmpfs,super.c names.c file.c swap.c) $(call in,fs/ext2,super.c check.c inode.c map.c hole.c alloc.c file.c dir.c name.c symlink.c)
KSRC += $(call in,fs/proc,procfs.c open_text.c frames.c pid.c status.c maps.c fd.c task.c pagemap.c peek.c text.c system.c \
	cpuinfo.c memory.c disks.c loadavg.c mounts.c swaps.c sysctl.c sysfs.c)
# A file that no list has is linked all the same, and named.
UNLISTED := $(filter-out $(KSRC) kernel/x86/offsets.c,$(wildcard boot/*.asm boot/*.c \
	kernel/*.c kernel/*/*.c kernel/*/*.asm fs/*.c fs/*/*.c))
$(if $(UNLISTED),$(warning no list in the makefile has $(UNLISTED)))
KSRC += $(UNLISTED)

# --- what runs on it -------------------------------------------------------
LIBC  := $(filter-out libc/crt0.asm,$(wildcard libc/*.asm libc/*.c libc/*/*.c))
built = $(patsubst %.c,$(B)/%,$(wildcard $(1)))
# A program is a file or a folder; lib/ is shared by all.
ONE_FILE  := $(call built,user/*.c)
FOLDERS   := $(addprefix $(B)/,$(filter-out user/lib user/demo,$(patsubst %/,%,$(sort $(dir $(wildcard user/*/*.c))))))
DEMO_BINS := $(call built,user/demo/*.c)
TEST_BINS := $(call built,tests/prog/*.c)
MUSL_BINS := $(if $(shell command -v musl-gcc),$(call built,tests/prog/musl/*.c))
UNIT_BINS := $(patsubst %.c,$(B)/%,$(shell grep -l '^// BUILD:' tests/unit/*.c 2>/dev/null))
LIBC_TESTS := $(addprefix $(B)/tests/unit/,libc_test libc_sanitized_test)
BENCH     := $(addprefix $(B)/tests/bench/,rows linux)
PROGRAMS  := $(ONE_FILE) $(FOLDERS) $(DEMO_BINS) $(TEST_BINS) $(MUSL_BINS) $(BENCH)

.PHONY: all kernel user programs image iso run gdb test soak campaign bench units check format doctor toolchain clean help
all: kernel programs image $(B)/lectern.iso  ## build everything (the default)
kernel: $(B)/lectern.elf $(B)/lectern-debug.elf  ## both kernels only
programs: $(PROGRAMS)  ## libc and every program
units: $(UNIT_BINS) $(LIBC_TESTS)  ## the host's unit tests
image: $(B)/lectern.img  ## the disk image, made by mke2fs
iso: $(B)/lectern.iso  ## a GRUB image that boots the release kernel

# --- the kernels: $(call kernel,name,objects' folder,extra flags) -----------
# NASM describes one section of code a file to gdb; boot.asm has two, so none. Linked twice: the
# first pass fixes every address, its symbols become the table that the back-trace
# reads, and the second links that in, behind all it tells of.
define kernel
$(1)_OBJ := $(patsubst %.c,$(B)/$(2)/%.o,$(patsubst %.asm,$(B)/$(2)/%.asm.o,$(KSRC)))
$(B)/$(2)/%.o: %.c Makefile
	@mkdir -p $$(@D)
	$$(call say,CC)$$(CC) $(KFLAGS) $(3) -c $$< -o $$@
$(B)/$(2)/%.asm.o: %.asm $(B)/$(2)/gen/offsets.inc $(B)/vdso.so Makefile
	@mkdir -p $$(@D)
	$$(call say,NASM)$$(NASM) -f elf64 $$(if $$(filter boot/boot.asm,$$<),,-g -F dwarf) -i$(B)/$(2)/gen/ -i$(B)/ -ikernel/ -MD $$(@:.o=.d) $$< -o $$@
# Offsets and numbers that NASM shares with C: the compiler writes them down.
$(B)/$(2)/gen/offsets.inc: kernel/x86/offsets.c Makefile
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $(KFLAGS) $(3) -g0 -MT $$@ -MF $$@.d -S $$< -o $$@.s
	$$(Q)sed -n 's/.*"@@ \(.*\)".*/\1/p' $$@.s > $$@
$(B)/$(1).elf: $$($(1)_OBJ) linker.ld tools/ksyms
	$$(call say,LINK)$$(PYTHON) tools/ksyms --nasm $$(NASM) -o $(B)/$(2)/ksyms0.o < /dev/null
	$$(Q)$$(LD) $(KLINK) -o $(B)/$(2)/pass1.elf $$($(1)_OBJ) $(B)/$(2)/ksyms0.o
	$$(Q)$$(NM) -n $(B)/$(2)/pass1.elf | $$(PYTHON) tools/ksyms --nasm $$(NASM) -o $(B)/$(2)/ksyms.o
	$$(Q)$$(LD) $(KLINK) -o $$@ $$($(1)_OBJ) $(B)/$(2)/ksyms.o
	$$(Q)$$(NM) -n $$@ | $$(PYTHON) tools/ksyms --same $(B)/$(2)/ksyms.o.tab
	$$(Q)$$(NM) -n $$@ > $(B)/$(1).sym
-include $$(patsubst %.o,%.d,$$($(1)_OBJ)) $(B)/$(2)/gen/offsets.inc.d
endef
$(eval $(call kernel,lectern,kernel,))
$(eval $(call kernel,lectern-debug,kernel-debug,$(DFLAGS)))

kernel.asm: $(B)/lectern.elf  ## a listing of the kernel, C and instructions, in $(B)/lectern.asm
	$(Q)$(OBJDUMP) -d -S --no-show-raw-insn $< > $(B)/lectern.asm
$(B)/vdso.so: UFLAGS += -fPIC -mgeneral-regs-only  # shown to every program
$(B)/vdso.so: $(B)/obj/vdso/vdso.o vdso/vdso.ld
	$(call say,LINK)$(LD) -shared -s -soname linux-vdso.so.1 --hash-style=both -z max-page-size=4096 -T vdso/vdso.ld -o $@ $<

# --- libc and programs -----------------------------------------------------
obj      = $(patsubst %.c,$(B)/obj/%.o,$(patsubst %.asm,$(B)/obj/%.asm.o,$(1)))
LIB_OBJ  := $(call obj,$(wildcard user/lib/*.c))
CRT      := $(B)/obj/libc/crt0.asm.o
LIBC_A   := $(B)/libc/libc.a
$(B)/obj/libc/%.o: UFLAGS += -Ilibc
$(B)/obj/tests/bench/%.o: UFLAGS += -fno-tree-vectorize
$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(UFLAGS) -c $< -o $@
$(B)/obj/%.asm.o: %.asm Makefile
	$(call say,NASM)mkdir -p $(@D) && $(NASM) -f elf64 -g -F dwarf -MD $(@:.o=.d) $< -o $@
$(LIBC_A): $(call obj,$(LIBC))
	$(call say,AR)mkdir -p $(@D) && rm -f $@ && $(AR) rcsD $@ $^

link = $(call say,LD)mkdir -p $(@D) && $(LD) $(ULINK) -o $@ $(filter $(B)/obj/%,$^) $(LIBC_A)
$(ONE_FILE) $(DEMO_BINS): $(B)/user/%: $(B)/obj/user/%.o $(LIB_OBJ) $(CRT) $(LIBC_A)
	$(link)
$(FOLDERS): $(B)/user/%: $$(call obj,$$(wildcard user/%/*.c)) $(LIB_OBJ) $(CRT) $(LIBC_A)
	$(link)
$(TEST_BINS): $(B)/tests/prog/%: $(B)/obj/tests/prog/%.o $(CRT) $(LIBC_A)
	$(link)
$(BENCH): $(B)/%: $$(call obj,$$(wildcard %/*.c %/*.asm)) $(CRT) $(LIBC_A)
	$(link)
$(MUSL_BINS): $(B)/tests/prog/musl/%: tests/prog/musl/%.c
	@mkdir -p $(@D)
	$(call say,MUSL)musl-gcc -static -O2 -g -Wall -Itests/prog $< -o $@
-include $(shell find $(B)/obj $(B)/tests -name '*.d' 2>/dev/null)

# Unit tests: what else a test compiles stands in its `// BUILD:` lines.
ANY := %
$(UNIT_BINS): $(B)/tests/unit/%: tests/unit/%.c \
		$$(filter $$(ANY).c,$$(shell sed -n 's,^// BUILD:,,p' tests/unit/$$*.c)) Makefile
	@mkdir -p $(@D)
	$(call say,HOST)$(HOSTCC) $(UNITFLAGS) -MT $@ $< $(shell sed -n 's,^// BUILD:,,p' $<) -o $@
# Libc's own tests: linked with it alone, and its sources with sanitizers.
$(B)/tests/unit/libc_test: $(B)/obj/tests/unit/libc_test.o $(CRT) $(LIBC_A)
	$(link)
$(B)/tests/unit/libc_sanitized_test: tests/unit/libc_sanitized_test.c $(wildcard libc/*.c) Makefile
	@mkdir -p $(@D)
	$(call say,HOST)$(HOSTCC) -std=gnu11 -g -O1 -ffreestanding -nostdinc -Ilibc/include -Ikernel -Ilibc \
		-fsanitize=address,undefined -fno-sanitize-recover=all -Wall -Wextra -MMD -MP -MT $@ $< -o $@

# --- the disk and the ISO --------------------------------------------------
# /share holds real text and binaries; they may be older than the sources.
put = $(foreach f,$(1),--add $(f):$(2))
$(B)/lectern.img: $(PROGRAMS) tools/image | $(B)/lectern.elf $(LIBC_A)
	$(call say,IMAGE)$(PYTHON) tools/image --size 2G --system --share $(B)/lectern.elf --share $(LIBC_A) \
		$(call put,$(filter-out %/init,$(ONE_FILE)) $(FOLDERS),/bin/) $(call put,$(B)/user/init,/sbin/) \
		$(call put,$(DEMO_BINS),/demo/) $(call put,$(TEST_BINS),/tests/) \
		$(call put,$(MUSL_BINS),/tests/musl/) --add $(B)/tests/bench/rows:/tests/bench $@
# `make run` has a disk of its own: what you store stays, and the tests' image too.
$(B)/disk.img: $(B)/lectern.img
	$(Q)if [ -e $@ ]; then mv -f $@ $@.old; echo "  $@ is made anew; the old disk is $@.old"; fi
	$(Q)cp --sparse=always $< $@
$(B)/lectern.iso: $(B)/lectern.elf tools/iso
	$(call say,ISO)$(PYTHON) tools/iso --kernel $< $@ -- log=ttyS1

# --- using it --------------------------------------------------------------
# DISPLAY=1 counts only on make's command line, where it hides the desktop's; QEMU gets that from make's own environment.
WINDOW := $(if $(filter command,$(origin DISPLAY)),$(filter-out 0,$(DISPLAY)))
SMP    ?= 2
MEMORY ?= 256M
run: $(B)/disk.img $(B)/lectern.iso  ## boot the ISO on this terminal (Ctrl-A x leaves); DISPLAY=1: a window too
	$(Q)$(if $(WINDOW),DISPLAY=$$(tr '\0' '\n' 2>/dev/null </proc/$$PPID/environ | sed -n 's/^DISPLAY=//p')) \
		$(PYTHON) tools/run --build $(B) --iso --smp $(SMP) --memory $(MEMORY) --disk $(B)/disk.img \
		$(if $(WINDOW),--display)
gdb: $(B)/lectern.elf $(B)/lectern.img  ## QEMU stopped and gdb attached; T=program: stop at its main
	$(Q)$(PYTHON) tools/gdb/start --build $(B) --smp $(SMP) \
		$(if $(T),--program $(T)) $(if $(ARGS),--arguments "$(ARGS)") -- $(GDBFLAGS)
PYTEST = $(shell for p in $(PYTHON) /usr/bin/python3; do \
	$$p -c 'import pytest' 2>/dev/null && { echo $$p; break; }; done)
test: all units  ## run every test (T=name: only those whose name has it)
	$(Q)[ -n "$(PYTEST)" ] || { echo "pytest is missing: sh tools/setup" >&2; exit 1; }
	$(Q)B=$(B) LECTERN_BUILD=$(B) $(PYTEST) -m pytest -c tests/pytest.ini $(or $(SUITE),tests) $(if $(T),-k "$(T)") $(PYTESTFLAGS)
soak:  ## the pressure tests at their full sizes (T= as above): an hour and more
	$(Q)$(MAKE) test SUITE=tests/soak.py
campaign: all  ## the long random tests, an hour or two (CAMPAIGN="race fuzz hostile fsx", CAMPAIGN_STEPS=...)
	$(Q)$(PYTHON) tools/campaign --build $(B) $(CAMPAIGN)
bench: all  ## measure beside Linux and print the ratios (ROWS="PART FAMILY...", BENCHFLAGS=)
	$(Q)$(PYTHON) tools/bench --build $(B) $(BENCHFLAGS) $(ROWS)
check: all  ## headers alone, layers, sizes, names in the docs
	$(Q)$(PYTHON) tools/check --cc "$(CC) $(KFLAGS)"
format:  ## clang-format on every C file
	clang-format -i $$(git ls-files '*.c' '*.h')
doctor: ; @sh tools/doctor  ## which tools are missing or too old, and how to get them
toolchain: ; @sh tools/toolchain  ## build the x86_64-elf cross compiler from Debian's sources (long)
clean:  ## remove everything that was built, but not the toolchain
	rm -rf $(B)
help:  ## this list
	@sed -n 's/^\([a-z.]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 20
	@echo "  variables: B=$(B) CC=$(CC) CROSS=$(CROSS) V=1 SMP=$(SMP) MEMORY=$(MEMORY) T= GDBFLAGS="
