/*
 * bootinfo.c - reads what multiboot2 or PVH left in memory into struct bootinfo.
 * Runs once, on one CPU, before there is an allocator; afterwards the result is constant. The loader's memory
 * is read through the direct map, of which the boot tables have the first 4 GiB; both loaders stay below that.
 * The hard part is the memory map: loaders may give it unsorted, overlapping and unaligned. Reserved wins over
 * RAM, RAM is cut inwards to whole pages.
 */
#include "boot/bootinfo.h"
#include "kernel.h"
#include "lib/string.h"
#include "x86/kernel_map.h"

enum {
	MAGIC_MULTIBOOT2 = 0x36d76289,
	MAGIC_PVH = 0x336ec578,
	MEMORY_RAM = 1,                 // the same number in both protocols
};

// Multiboot2 specification 1.6, section 3.
enum {
	TAG_END = 0,
	TAG_COMMAND_LINE = 1,
	TAG_MODULE = 3,
	TAG_MEMORY_MAP = 6,
	TAG_FRAMEBUFFER = 8,
	TAG_RSDP_OLD = 14,
	TAG_RSDP_NEW = 15,
};

struct multiboot_tag {
	u32 type, size;
};

struct multiboot_module {
	struct multiboot_tag tag;
	u32 start, end;
};

struct multiboot_memory_map {
	struct multiboot_tag tag;
	u32 entry_size, entry_version;
};

struct multiboot_framebuffer {
	struct multiboot_tag tag;
	u64 address;
	u32 pitch, width, height;
	u8 bits_per_pixel, type;        // type 2: text
} PACKED;

struct memory_entry {                   // both protocols begin so
	u64 start, size;
	u32 type, reserved;
};

// Xen's hvm/start_info.h, version 1.
struct hvm_start_info {
	u32 magic, version, flags, nr_modules;
	u64 modules, command_line, rsdp, memory_map;
	u32 nr_memory_entries, reserved;
};

struct bootinfo bootinfo;

static u8 rsdp_copy[64] ALIGNED(16);    // multiboot2 gives the table itself, not its place

static void region_append(paddr_t start, paddr_t end, bool is_ram)
{
	if (start >= end || bootinfo.nr_regions == MAX_MEMORY_REGIONS)
		return;
	bootinfo.regions[bootinfo.nr_regions++] = (struct memory_region){ start, end, is_ram };
}

static void region_add(const struct memory_entry *e)
{
	u64 end = e->start + e->size;

	if (end < e->start)
		end = U64_MAX & PAGE_MASK;
	if (e->type == MEMORY_RAM)
		region_append(PAGE_ALIGN_UP(e->start), PAGE_ALIGN_DOWN(end), true);
	else
		region_append(PAGE_ALIGN_DOWN(e->start), PAGE_ALIGN_UP(end), false);
}

// Takes [start, end) out of every RAM region; what lies behind it becomes a region of its own.
static void ram_cut(paddr_t start, paddr_t end)
{
	u32 n = bootinfo.nr_regions;

	for (u32 i = 0; i < n; i++) {
		struct memory_region *r = &bootinfo.regions[i];

		if (!r->is_ram || r->end <= start || r->start >= end)
			continue;
		if (r->end > end)
			region_append(max(r->start, end), r->end, true);
		r->end = max(r->start, start);
	}
}

static void regions_sort(void)
{
	struct memory_region *r = bootinfo.regions;

	for (u32 i = 1; i < bootinfo.nr_regions; i++) {
		for (u32 j = i; j > 0 && r[j - 1].start > r[j].start; j--) {
			struct memory_region swap = r[j];

			r[j] = r[j - 1];
			r[j - 1] = swap;
		}
	}
}

// Makes regions sorted and disjoint: reserved stretches win over RAM, then neighbours are joined.
static void regions_normalize(void)
{
	struct memory_region *r = bootinfo.regions;
	u32 kept = 0;

	for (u32 i = 0; i < bootinfo.nr_regions; i++)
		if (!r[i].is_ram)
			ram_cut(r[i].start, r[i].end);
	regions_sort();
	for (u32 i = 0; i < bootinfo.nr_regions; i++) {
		struct memory_region *last = kept ? &r[kept - 1] : NULL;

		if (last && r[i].start < last->end)             // the same kind twice
			r[i].start = min(last->end, r[i].end);
		if (r[i].start >= r[i].end)
			continue;
		if (last && last->end == r[i].start && last->is_ram == r[i].is_ram)
			last->end = r[i].end;
		else
			r[kept++] = r[i];
	}
	bootinfo.nr_regions = kept;
}

static void read_memory_map(const struct multiboot_memory_map *m)
{
	const char *entry = (const char *)(m + 1);
	const char *end = (const char *)m + m->tag.size;

	if (m->entry_size < sizeof(struct memory_entry))
		return;
	for (; entry + m->entry_size <= end; entry += m->entry_size)
		region_add((const struct memory_entry *)entry);
}

static void read_framebuffer(const struct multiboot_framebuffer *f)
{
	bootinfo.framebuffer = (struct framebuffer){
		.address = f->address,
		.width = f->width,
		.height = f->height,
		.pitch = f->pitch,
		.bits_per_pixel = f->bits_per_pixel,
		.is_text = f->type == 2,
	};
}

static void read_rsdp(const struct multiboot_tag *tag)
{
	size_t size = min((size_t)tag->size - sizeof(*tag), sizeof(rsdp_copy));

	memcpy(rsdp_copy, tag + 1, size);
	bootinfo.rsdp = (u64)rsdp_copy - KERNEL_BASE;
}

// GRUB loses empty words and tabs, so tools/iso hands a line with such over as a file, closed by a zero byte.
static void read_command_line_module(const struct multiboot_module *m)
{
	size_t size = m->end > m->start ? m->end - m->start : 0;

	if (size > 0)
		string_copy(bootinfo.command_line, direct_map(m->start), min(size, (size_t)COMMAND_LINE_SIZE));
}

static void read_multiboot(paddr_t info)
{
	u32 total = *(const u32 *)direct_map(info);
	bool has_new_rsdp = false;

	bootinfo.loader = "multiboot2";
	for (u32 at = 8; at + sizeof(struct multiboot_tag) <= total;) {
		const struct multiboot_tag *tag = direct_map(info + at);

		if (tag->type == TAG_END || tag->size < sizeof(*tag))
			break;
		if (tag->type == TAG_COMMAND_LINE)
			string_copy(bootinfo.command_line, (const char *)(tag + 1), COMMAND_LINE_SIZE);
		else if (tag->type == TAG_MODULE)
			read_command_line_module((const struct multiboot_module *)tag);
		else if (tag->type == TAG_MEMORY_MAP)
			read_memory_map((const struct multiboot_memory_map *)tag);
		else if (tag->type == TAG_FRAMEBUFFER)
			read_framebuffer((const struct multiboot_framebuffer *)tag);
		else if (tag->type == TAG_RSDP_NEW || (tag->type == TAG_RSDP_OLD && !has_new_rsdp))
			read_rsdp(tag);
		has_new_rsdp |= tag->type == TAG_RSDP_NEW;
		at += (tag->size + 7) & ~7u;
	}
}

static void read_pvh(paddr_t info)
{
	const struct hvm_start_info *start = direct_map(info);
	const struct memory_entry *entry = direct_map(start->memory_map);

	bootinfo.loader = "pvh";
	if (start->magic != MAGIC_PVH || start->version < 1)
		panic("the PVH start information has magic %x, version %u", start->magic, start->version);
	if (start->command_line)
		string_copy(bootinfo.command_line, direct_map(start->command_line), COMMAND_LINE_SIZE);
	bootinfo.rsdp = start->rsdp;
	for (u32 i = 0; i < start->nr_memory_entries; i++)
		region_add(&entry[i]);
}

void bootinfo_init(u32 magic, paddr_t info)
{
	if (magic == MAGIC_MULTIBOOT2)
		read_multiboot(info);
	else if (magic == MAGIC_PVH)
		read_pvh(info);
	else
		panic("started by a loader that speaks neither multiboot2 nor PVH (magic %x)", magic);
	regions_normalize();
}

// Copies the next word to out (cut off at size) without its quotes; false at the end of the line.
static bool next_word(const char **cursor, char *out, size_t size)
{
	const char *s = *cursor;
	size_t length = 0;
	bool is_quoted = false;

	while (*s == ' ' || *s == '\t')
		s++;
	if (!*s)
		return false;
	for (; *s && (is_quoted || (*s != ' ' && *s != '\t')); s++) {
		if (*s == '"') {
			is_quoted = !is_quoted;
			continue;
		}
		if (*s == '\\' && s[1])
			s++;
		if (length + 1 < size)
			out[length++] = *s;
	}
	out[length] = 0;
	*cursor = s;
	return true;
}

// The next word for the kernel: false at the end or at the lone "--" that starts the job.
static bool next_option(const char **cursor, char *out, size_t size)
{
	return next_word(cursor, out, size) && strcmp(out, "--") != 0;
}

const char *command_line_get(const char *name, char *value, size_t value_size)
{
	const char *cursor = bootinfo.command_line;
	size_t length = strlen(name);
	char word[256];
	const char *found = NULL;

	while (next_option(&cursor, word, sizeof(word))) {
		if (strncmp(word, name, length) == 0 && word[length] == '=') {
			string_copy(value, word + length + 1, value_size);
			found = value;          // go on: the last one counts
		}
	}
	return found;
}

bool command_line_has(const char *word)
{
	const char *cursor = bootinfo.command_line;
	char found[256];

	while (next_option(&cursor, found, sizeof(found)))
		if (strcmp(found, word) == 0)
			return true;
	return false;
}

int command_line_job(char *buffer, size_t size, char **words, int max)
{
	const char *cursor = bootinfo.command_line;
	char word[256];
	int nr = 0;

	while (next_option(&cursor, word, sizeof(word)))
		;
	while (nr < max && size > 1 && next_word(&cursor, buffer, size)) {
		size_t used = strlen(buffer) + 1;

		words[nr++] = buffer;
		buffer += used;
		size -= used;
	}
	return nr;
}
