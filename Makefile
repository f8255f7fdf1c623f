# Lectern: the one makefile.  `make help` lists what it can do.
#
# Everything that is built goes to $(B).  The lists of objects below stand in
# reading order: they are the second table of contents of the system.

B      ?= build
PYTHON ?= python3
NASM   ?= nasm
HOSTCC ?= cc

# `make` alone uses every processor; say -j1 for a readable log.
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
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
ifeq ($(origin CC),default)
CC := $(CROSS)gcc
endif
# A binutil by name: the cross one, else LLVM's.
tool    = $(shell command -v $(CROSS)$(1) || command -v llvm-$(1) || echo $(CROSS)$(1))
LD      := $(shell command -v $(CROSS)ld || command -v ld.lld || echo $(CROSS)ld)
AR      := $(call tool,ar)
NM      := $(call tool,nm)
OBJDUMP := $(call tool,objdump)
OBJCOPY := $(call tool,objcopy)

IS_CLANG   := $(shell $(CC) --version 2>/dev/null | grep -c clang)
CC_MAJOR   := $(shell $(CC) -dumpversion 2>/dev/null | cut -d. -f1)
CC_VERSION := $(if $(filter 0,$(IS_CLANG)),gcc,clang)-$(CC_MAJOR)
TARGET     := $(if $(filter 0,$(IS_CLANG)),,--target=x86_64-unknown-none-elf)
# A warning is an error only where we have seen the compiler's warnings.
WERROR     := $(if $(filter gcc-12 clang-14,$(CC_VERSION)),-Werror)

# V=1 shows the commands instead of a word for each.
Q   := $(if $(V),,@)
say  = $(if $(V),,@printf '  %-5s %s\n' $(1) $@;)

# --- flags -----------------------------------------------------------------
FREE   := $(TARGET) -std=gnu11 -O2 -g -ffreestanding -nostdinc -fno-pic -fno-pie \
	  -fno-stack-protector -fcf-protection=none -MMD -MP \
	  -Wall -Wextra $(WERROR)
KFLAGS := $(FREE) -mno-red-zone -mgeneral-regs-only -mcmodel=kernel \
	  -fno-omit-frame-pointer -fno-strict-aliasing -fno-asynchronous-unwind-tables \
	  -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wvla -Wframe-larger-than=1024 -Ikernel -I.
# The debug kernel: lock ranks, poison, the audit, undefined behaviour.  Null
# and alignment checks are left out: the processor makes the first, x86 allows
# the second.
DFLAGS := -DDEBUG -fsanitize=undefined -fno-sanitize=null,alignment,object-size \
	  -Wframe-larger-than=2048 -Wno-maybe-uninitialized -Wno-array-bounds
UFLAGS := $(FREE) -fno-asynchronous-unwind-tables -Ilibc/include -Ikernel -Iuser/lib
UNITFLAGS := -DLECTERN_HOST -include tests/unit/host.h -std=gnu11 -g -O1 \
	  -fsanitize=address,undefined -fno-omit-frame-pointer -Wall -Wextra -MMD -MP -Itests/unit -Ikernel -I.
ULINK  := -static -z noexecstack -z separate-code
# The boot page is writable code, on purpose and for a moment: newer linkers warn.
KLINK  := -static -nostdlib -z noexecstack -T linker.ld \
	  $(shell $(LD) --help 2>/dev/null | grep -o -m1 -e --no-warn-rwx-segments)

# --- what the kernel is made of --------------------------------------------
KSRC := $(wildcard boot/*.asm boot/*.c kernel/x86/*.asm) \
	$(filter-out kernel/x86/offsets.c,$(sort $(wildcard kernel/*.c kernel/*/*.c))) \
	$(sort $(wildcard fs/*.c fs/*/*.c))

# --- what runs on it -------------------------------------------------------
LIBC  := $(filter-out libc/crt0.asm,$(wildcard libc/*.asm libc/*.c libc/*/*.c))
UPROG := $(basename $(notdir $(wildcard user/*.c)))
UDIRS := $(filter-out lib demo,$(patsubst user/%/,%,$(sort $(dir $(wildcard user/*/*.c)))))
DEMOS := $(basename $(notdir $(wildcard user/demo/*.c)))
TPROG := $(basename $(notdir $(wildcard tests/prog/*.c)))
MPROG := $(if $(shell command -v musl-gcc),$(basename $(notdir $(wildcard tests/prog/musl/*.c))))
UNITS := $(basename $(notdir $(shell grep -l '^// BUILD:' tests/unit/*.c 2>/dev/null)))

USER_BINS := $(addprefix $(B)/user/,$(UPROG) $(UDIRS))
DEMO_BINS := $(addprefix $(B)/user/demo/,$(DEMOS))
TEST_BINS := $(addprefix $(B)/tests/prog/,$(TPROG))
MUSL_BINS := $(addprefix $(B)/tests/prog/musl/,$(MPROG))
UNIT_BINS := $(addprefix $(B)/tests/unit/,$(UNITS))
LIBC_TESTS := $(addprefix $(B)/tests/unit/,libc_test libc_sanitized_test)

.PHONY: all kernel user programs image iso run gdb test units check format doctor toolchain clean help
all: kernel programs image $(B)/lectern.iso  ## build everything (the default)
kernel: $(B)/lectern.elf $(B)/lectern-debug.elf  ## both kernels only
programs: $(USER_BINS) $(DEMO_BINS) $(TEST_BINS) $(MUSL_BINS)  ## libc and every program
units: $(UNIT_BINS) $(LIBC_TESTS)  ## the host's unit tests
image: $(B)/lectern.img  ## the disk image, made by mke2fs
iso: $(B)/lectern.iso  ## a GRUB image that boots the release kernel

# --- the kernels: $(call kernel,name,objects' folder,extra flags) -----------
# NASM describes one section of code a file to gdb; boot.asm has two, so none.
# Linked twice: the first pass fixes every address, its symbols become the
# table that the back-trace reads, and the second pass links that table in,
# behind everything whose address it tells.
define kernel
$(1)_OBJ := $(patsubst %.c,$(B)/$(2)/%.o,$(patsubst %.asm,$(B)/$(2)/%.asm.o,$(KSRC)))
$(B)/$(2)/%.o: %.c Makefile
	@mkdir -p $$(@D)
	$$(call say,CC)$$(CC) $(KFLAGS) $(3) -c $$< -o $$@
$(B)/$(2)/%.asm.o: %.asm $(B)/$(2)/gen/offsets.inc Makefile
	@mkdir -p $$(@D)
	$$(call say,NASM)$$(NASM) -f elf64 $$(if $$(filter boot/boot.asm,$$<),,-g -F dwarf) -i$(B)/$(2)/gen/ -ikernel/ -MD $$(@:.o=.d) $$< -o $$@
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

# The kernel as the assembler sees it, with the C between: for reading.
$(B)/lectern.asm: $(B)/lectern.elf
	$(Q)$(OBJDUMP) -d -S --no-show-raw-insn $< > $@
kernel.asm: $(B)/lectern.asm  ## a listing of the kernel, C and instructions, in $(B)/lectern.asm

# --- libc and programs -----------------------------------------------------
obj      = $(patsubst %.c,$(B)/obj/%.o,$(patsubst %.asm,$(B)/obj/%.asm.o,$(1)))
LIB_OBJ  := $(call obj,$(wildcard user/lib/*.c))
TLIB_OBJ := $(call obj,$(wildcard tests/prog/lib/*.c))
CRT      := $(B)/libc/crt0.o
LIBC_A   := $(B)/libc/libc.a

$(B)/obj/libc/%.o: UFLAGS += -Ilibc
$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(UFLAGS) -c $< -o $@
$(B)/obj/%.asm.o: %.asm Makefile
	@mkdir -p $(@D)
	$(call say,NASM)$(NASM) -f elf64 -g -F dwarf -MD $(@:.o=.d) $< -o $@
$(CRT): $(B)/obj/libc/crt0.asm.o
	@mkdir -p $(@D)
	$(Q)cp $< $@
$(LIBC_A): $(call obj,$(LIBC))
	@mkdir -p $(@D)
	$(call say,AR)rm -f $@ && $(AR) rcsD $@ $^

link = $(call say,LD)mkdir -p $(@D) && $(LD) $(ULINK) -o $@ $(CRT) $(filter $(B)/obj/%,$^) $(LIBC_A)
$(addprefix $(B)/user/,$(UPROG)) $(DEMO_BINS): $(B)/user/%: $(B)/obj/user/%.o $(LIB_OBJ) $(CRT) $(LIBC_A)
	$(link)
$(addprefix $(B)/user/,$(UDIRS)): $(B)/user/%: $$(call obj,$$(wildcard user/%/*.c)) $(LIB_OBJ) \
		$(CRT) $(LIBC_A)
	$(link)
$(TEST_BINS): $(B)/tests/prog/%: $(B)/obj/tests/prog/%.o $(TLIB_OBJ) $(CRT) $(LIBC_A)
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
$(B)/lectern.img: $(USER_BINS) $(DEMO_BINS) $(TEST_BINS) $(MUSL_BINS) tools/image \
		| $(B)/lectern.elf $(LIBC_A)
	$(call say,IMAGE)$(PYTHON) tools/image --size 2G --system --share $(B)/lectern.elf --share $(LIBC_A) \
		$(foreach f,$(filter-out $(B)/user/init,$(USER_BINS)),--add $(f):/bin/) \
		$(foreach f,$(filter $(B)/user/init,$(USER_BINS)),--add $(f):/sbin/) \
		$(foreach f,$(DEMO_BINS),--add $(f):/demo/) $(foreach f,$(TEST_BINS),--add $(f):/tests/) \
		$(foreach f,$(MUSL_BINS),--add $(f):/tests/musl/) $@
# `make run` writes to its own disk, so that what you store there stays, and
# the image that the tests copy stays as it was made.
$(B)/disk.img: $(B)/lectern.img
	$(Q)if [ -e $@ ]; then mv -f $@ $@.old; echo "  $@ is made anew; the old disk is $@.old"; fi
	$(Q)cp --sparse=always $< $@
$(B)/lectern.iso: $(B)/lectern.elf tools/iso
	$(call say,ISO)$(PYTHON) tools/iso --kernel $< $@ -- log=ttyS1

# --- using it --------------------------------------------------------------
# DISPLAY=1 counts only on make's own command line: a desktop exports DISPLAY.
WINDOW := $(if $(filter command,$(origin DISPLAY)),$(filter-out 0,$(DISPLAY)))
SMP    ?= 2
MEMORY ?= 256M
run: $(B)/disk.img $(B)/lectern.iso  ## boot the ISO on this terminal (Ctrl-A x leaves); DISPLAY=1: a window too
	$(Q)$(PYTHON) tools/run --build $(B) --iso --smp $(SMP) --memory $(MEMORY) --disk $(B)/disk.img \
		$(if $(WINDOW),--display)
gdb: $(B)/lectern.elf $(B)/lectern.img  ## QEMU stopped and gdb attached; T=program: stop at its main
	$(Q)$(PYTHON) tools/gdb/start --build $(B) --smp $(SMP) \
		$(if $(T),--program $(T)) $(if $(ARGS),--arguments "$(ARGS)") -- $(GDBFLAGS)
PYTEST = $(shell for p in $(PYTHON) /usr/bin/python3; do \
	$$p -c 'import pytest' 2>/dev/null && { echo $$p; break; }; done)
test: all units  ## run every test (T=name: only those whose name has it)
	$(Q)[ -n "$(PYTEST)" ] || { echo "pytest is missing: sh tools/setup" >&2; exit 1; }
	$(Q)B=$(B) LECTERN_BUILD=$(B) $(PYTEST) -m pytest -c tests/pytest.ini tests $(if $(T),-k "$(T)") $(PYTESTFLAGS)
check: all  ## headers alone, layers, sizes, names in the docs
	$(Q)$(PYTHON) tools/check --cc "$(CC) $(KFLAGS)"
format:  ## clang-format on every C file
	clang-format -i $$(git ls-files '*.c' '*.h')
doctor:  ## which tools are missing or too old, and how to get them
	@sh tools/doctor
toolchain:  ## build the x86_64-elf cross compiler from Debian's sources (long)
	sh tools/toolchain
clean:  ## remove everything that was built, but not the toolchain
	rm -rf $(B)
help:  ## this list
	@sed -n 's/^\([a-z.]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 20
	@echo "  variables: B=$(B) CC=$(CC) CROSS=$(CROSS) V=1 SMP=$(SMP) MEMORY=$(MEMORY) T= GDBFLAGS="
