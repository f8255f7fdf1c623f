/*
 * screen.c - rows of characters on VGA text memory or a linear framebuffer. Writers change `cells`
 * and move the cursor, which takes no time; a thread looks fifty times a second and draws the cells
 * that differ from what it drew before. So a slow framebuffer holds up neither the log, which is
 * written with interrupts closed, nor a program, and what scrolls by faster than one can see is not
 * drawn at all. screen_lock (RANK_OUTPUT, interrupts closed) covers the cells, the cursor and the
 * parser; `drawn` is the drawer's own.
 */
#include "dev/screen.h"
#include "boot/bootinfo.h"
#include "dev/font.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/thread.h"
#include "proc/timer.h"
#include "sync/lock.h"
#include "x86/clock.h"
#include "x86/insn.h"
#include "x86/kernel_map.h"

#define MAX_ROWS 100u
#define MAX_COLUMNS 240u
#define REFRESH_NS 20000000ul
#define MAX_PARAMETERS 8u
#define VGA_TEXT 0xb8000
#define VGA_INDEX_PORT 0x3d4
#define VGA_DATA_PORT 0x3d5
enum { VGA_CURSOR_HIGH = 14, VGA_CURSOR_LOW = 15 };
enum { ATTRIBUTE_NORMAL = 0x07, ATTRIBUTE_BRIGHT = 0x08 };

enum parser_state { PARSE_TEXT, PARSE_ESCAPE, PARSE_SEQUENCE };

// A cell as VGA has it: the character, the colours (background, foreground) in the upper byte.
static struct {
	bool is_present;                // constant after screen_init
	bool is_text;                   // constant; else a framebuffer
	u32 rows, columns;              // constant
	volatile u8 *memory;            // constant
	u32 pitch, pixel_bytes;         // constant, of a framebuffer

	u16 *cells;                     // GUARDED_BY(screen_lock) rows * columns, a ring of rows
	u32 top;                        // GUARDED_BY(screen_lock) the row of cells that is shown first
	u32 row, column;                // GUARDED_BY(screen_lock) the cursor; column == columns: the next byte wraps
	u32 saved_row, saved_column;    // GUARDED_BY(screen_lock)
	u8 attribute;                   // GUARDED_BY(screen_lock)
	bool is_reverse, is_cursor_off; // GUARDED_BY(screen_lock)
	enum parser_state state;        // GUARDED_BY(screen_lock)
	u32 parameters[MAX_PARAMETERS], nr_parameters;  // GUARDED_BY(screen_lock)
	bool has_changed;               // GUARDED_BY(screen_lock)

	u16 *drawn;                     // the drawer's, as many; a framebuffer's cursor is a cell in reverse
	bool is_panicking;
} screen;

static struct spinlock screen_lock = SPINLOCK_INIT("screen", RANK_OUTPUT);

/* --- cells ------------------------------------------------------------------ */

static u16 *row_cells(u32 row)
{
	return screen.cells + (screen.top + row) % screen.rows * screen.columns;
}

static u8 attribute_now(void)
{
	u8 a = screen.attribute;

	return screen.is_reverse ? (u8)((a & 7) << 4 | (a >> 4 & 7) | (a & ATTRIBUTE_BRIGHT)) : a;
}

static void erase(u32 row, u32 from, u32 to)
{
	u16 *cells = row_cells(row);

	for (u32 i = from; i < to; i++)
		cells[i] = (u16)(screen.attribute << 8 | ' ');
}

static void line_feed(void)
{
	if (screen.row + 1 < screen.rows) {
		screen.row++;
		return;
	}
	screen.top = (screen.top + 1) % screen.rows;
	erase(screen.rows - 1, 0, screen.columns);
}

static void put_character(u8 c)
{
	if (screen.column == screen.columns) {
		screen.column = 0;
		line_feed();
	}
	row_cells(screen.row)[screen.column++] = (u16)(attribute_now() << 8 | c);
}

static void move_to(u32 row, u32 column)
{
	screen.row = min(row, screen.rows - 1);
	screen.column = min(column, screen.columns - 1);
}

/* --- what the bytes mean ---------------------------------------------------- */

static u32 parameter(u32 n, u32 otherwise)
{
	return n < screen.nr_parameters && screen.parameters[n] ? screen.parameters[n] : otherwise;
}

static void set_colour(u32 p)
{
	static const u8 vga[8] = { 0, 4, 2, 6, 1, 5, 3, 7 };    // ANSI counts red as 1, VGA blue
	u8 *a = &screen.attribute;

	if (p == 0) {
		*a = ATTRIBUTE_NORMAL;
		screen.is_reverse = false;
	} else if (p == 1) {
		*a |= ATTRIBUTE_BRIGHT;
	} else if (p == 22) {
		*a &= (u8)~ATTRIBUTE_BRIGHT;
	} else if (p == 7 || p == 27) {
		screen.is_reverse = p == 7;
	} else if (p >= 30 && p <= 37) {
		*a = (u8)((*a & 0xf8) | vga[p - 30]);
	} else if (p >= 90 && p <= 97) {
		*a = (u8)((*a & 0xf0) | ATTRIBUTE_BRIGHT | vga[p - 90]);
	} else if (p == 39) {
		*a = (u8)((*a & 0xf8) | ATTRIBUTE_NORMAL);
	} else if (p >= 40 && p <= 47) {
		*a = (u8)((*a & 0x0f) | vga[p - 40] << 4);
	} else if (p == 49) {
		*a &= 0x0f;
	}
}

// The rows and cells of "erase in display" (whole rows) and "erase in line".
static void erase_part(u32 what, bool whole_screen)
{
	u32 column = min(screen.column, screen.columns - 1);

	if (what > 2)
		return;
	erase(screen.row, what == 0 ? column : 0, what == 1 ? column + 1 : screen.columns);
	if (!whole_screen)
		return;
	for (u32 r = 0; r < screen.rows; r++)
		if ((r < screen.row && what != 0) || (r > screen.row && what != 1))
			erase(r, 0, screen.columns);
}

static void cursor_sequence(u8 final)
{
	u32 n = parameter(0, 1), row = screen.row, column = min(screen.column, screen.columns - 1);

	switch (final) {
	case 'A': move_to(row - min(n, row), column); break;
	case 'B': move_to(row + n, column); break;
	case 'C': move_to(row, column + n); break;
	case 'D': move_to(row, column - min(n, column)); break;
	case 'E': move_to(row + n, 0); break;
	case 'F': move_to(row - min(n, row), 0); break;
	case 'G': move_to(row, n - 1); break;
	case 'd': move_to(n - 1, column); break;
	case 'H':
	case 'f': move_to(n - 1, parameter(1, 1) - 1); break;
	case 's': screen.saved_row = row; screen.saved_column = column; break;
	case 'u': move_to(screen.saved_row, screen.saved_column); break;
	}
}

static void run_sequence(u8 final)
{
	switch (final) {
	case 'J':
	case 'K':
		erase_part(parameter(0, 0), final == 'J');
		break;
	case 'm':
		for (u32 i = 0; i < max(screen.nr_parameters, 1u); i++)
			set_colour(parameter(i, 0));
		break;
	case 'h':
	case 'l':
		if (parameter(0, 0) == 25)
			screen.is_cursor_off = final == 'l';
		break;
	default:
		cursor_sequence(final);
	}
}

// Inside an escape sequence. True: the byte was part of it.
static bool parse_sequence(u8 c)
{
	if (screen.state == PARSE_ESCAPE) {
		screen.state = c == '[' ? PARSE_SEQUENCE : PARSE_TEXT;
		screen.nr_parameters = 0;
		memset(screen.parameters, 0, sizeof(screen.parameters));
		return true;
	}
	u32 *p = &screen.parameters[screen.nr_parameters ? screen.nr_parameters - 1 : 0];

	if (c >= '0' && c <= '9') {
		screen.nr_parameters += !screen.nr_parameters;
		*p = min(*p * 10 + c - '0', 9999u);
	} else if (c == ';') {
		screen.nr_parameters += 1 + !screen.nr_parameters;
		screen.nr_parameters = min(screen.nr_parameters, MAX_PARAMETERS);
	} else if (c >= 0x40 && c <= 0x7e) {
		screen.state = PARSE_TEXT;
		run_sequence(c);
	} else if (c < 0x20 || c > 0x3f) {
		screen.state = PARSE_TEXT;      // broken off
		return false;
	}
	return true;
}

static void put_byte(u8 c)
{
	if (screen.state != PARSE_TEXT && parse_sequence(c))
		return;
	switch (c) {
	case '\n':
		line_feed();
		break;
	case '\r':
		screen.column = 0;
		break;
	case '\b':
		screen.column = min(screen.column, screen.columns - 1);
		screen.column -= screen.column > 0;
		break;
	case '\t':
		screen.column = min((screen.column | 7) + 1, screen.columns - 1);
		break;
	case 0x1b:
		screen.state = PARSE_ESCAPE;
		break;
	default:
		// Of a character outside ASCII the first byte stands for the whole.
		if (c >= 32 && c != 127 && (c & 0xc0) != 0x80)
			put_character(c < 127 ? c : '?');
	}
}

void screen_write(const char *text, size_t nr_bytes)
{
	u64 flag = 0;

	if (!screen.is_present)
		return;
	if (!screen.is_panicking)
		flag = spin_lock_irq(&screen_lock);
	for (size_t i = 0; i < nr_bytes; i++)
		put_byte((u8)text[i]);
	screen.has_changed = true;
	if (screen.is_panicking)
		screen_refresh();
	else
		spin_unlock_irq(&screen_lock, flag);
}

/* --- drawing ---------------------------------------------------------------- */

static void draw_pixels(u32 row, u32 column, u16 cell)
{
	static const u32 palette[16] = {
		0x000000, 0x0000aa, 0x00aa00, 0x00aaaa, 0xaa0000, 0xaa00aa, 0xaa5500, 0xaaaaaa,
		0x555555, 0x5555ff, 0x55ff55, 0x55ffff, 0xff5555, 0xff55ff, 0xffff55, 0xffffff };
	u32 colours[2] = { palette[cell >> 12 & 7], palette[cell >> 8 & 15] };

	for (u32 y = 0; y < CELL_HEIGHT; y++) {
		volatile u8 *p = screen.memory + (u64)(row * CELL_HEIGHT + y) * screen.pitch +
				 (u64)column * CELL_WIDTH * screen.pixel_bytes;
		u8 dots = font_row((u8)cell, y);

		for (u32 x = 0; x < CELL_WIDTH; x++, p += screen.pixel_bytes) {
			u32 colour = colours[dots >> (7 - x) & 1];

			if (screen.pixel_bytes == 4) {
				*(volatile u32 *)p = colour;
			} else {
				p[0] = (u8)colour;
				p[1] = (u8)(colour >> 8);
				p[2] = (u8)(colour >> 16);
			}
		}
	}
}

static void draw_cell(u32 row, u32 column, u16 cell)
{
	if (screen.is_text)
		*(volatile u16 *)(screen.memory + row * screen.pitch + column * 2) = cell;
	else
		draw_pixels(row, column, cell);
}

static void move_vga_cursor(u32 row, u32 column, bool is_off)
{
	u32 place = is_off ? screen.rows * screen.columns : row * screen.columns + column;

	port_out8(VGA_INDEX_PORT, VGA_CURSOR_HIGH);
	port_out8(VGA_DATA_PORT, (u8)(place >> 8));
	port_out8(VGA_INDEX_PORT, VGA_CURSOR_LOW);
	port_out8(VGA_DATA_PORT, (u8)place);
}

static u16 in_reverse(u16 cell)
{
	return (u16)((cell & 0x00ff) | (cell & 0x0700) << 4 | (cell & 0x7000) >> 4);
}

static void draw_row(u32 row)
{
	u16 cells[MAX_COLUMNS], *drawn = screen.drawn + row * screen.columns;
	u64 flag = 0;

	if (!screen.is_panicking)
		flag = spin_lock_irq(&screen_lock);
	memcpy(cells, row_cells(row), screen.columns * sizeof(u16));
	u32 cursor = min(screen.column, screen.columns - 1);
	bool has_cursor = row == screen.row && !screen.is_cursor_off;

	if (!screen.is_panicking)
		spin_unlock_irq(&screen_lock, flag);
	if (has_cursor && !screen.is_text)
		cells[cursor] = in_reverse(cells[cursor]);
	for (u32 i = 0; i < screen.columns; i++) {
		if (cells[i] == drawn[i])
			continue;
		drawn[i] = cells[i];
		draw_cell(row, i, cells[i]);
	}
}

void screen_refresh(void)
{
	if (!screen.is_present)
		return;
	WRITE_ONCE(screen.has_changed, false);  // before the look: what changes from now on is drawn the next time
	for (u32 row = 0; row < screen.rows; row++)
		draw_row(row);
	if (screen.is_text)
		move_vga_cursor(screen.row, min(screen.column, screen.columns - 1), screen.is_cursor_off);
}

static void drawer(void *unused)
{
	(void)unused;
	for (;;) {
		if (READ_ONCE(screen.has_changed))
			screen_refresh();
		(void)sleep_until(clock_monotonic_ns() + REFRESH_NS, WAIT_UNINTERRUPTIBLE);
	}
}

void screen_panic_begins(void)
{
	screen.is_panicking = true;
}

/* --- finding it ------------------------------------------------------------- */

// Text memory that keeps what is written to it. Nobody else draws yet.
static bool is_memory(volatile u16 *cell)
{
	u16 before = *cell;

	*cell = 0x5a5a;
	bool keeps = *cell == 0x5a5a;

	*cell = before;
	return keeps;
}

static bool find_text(const struct framebuffer *f)
{
	screen.memory = kernel_map_device(f->address ? f->address : VGA_TEXT, MAX_COLUMNS * 2 * 60);
	screen.is_text = true;
	screen.columns = f->address ? f->width : 80;
	screen.rows = f->address ? f->height : 25;
	screen.pitch = f->address ? f->pitch : 160;
	return screen.memory && is_memory((volatile u16 *)screen.memory);
}

static bool find_pixels(const struct framebuffer *f)
{
	screen.pixel_bytes = f->bits_per_pixel / 8;
	if (f->bits_per_pixel != 32 && f->bits_per_pixel != 24)
		return false;
	screen.columns = f->width / CELL_WIDTH;
	screen.rows = f->height / CELL_HEIGHT;
	screen.pitch = f->pitch;
	screen.memory = kernel_map_device(f->address, (u64)f->pitch * f->height);
	return screen.memory;
}

static bool cells_alloc(void)
{
	u32 nr_cells = screen.rows * screen.columns;

	if (nr_cells)
		screen.cells = kmalloc(2 * nr_cells * sizeof(u16));
	if (!screen.cells)
		return false;
	screen.drawn = screen.cells + nr_cells;
	memset(screen.drawn, 0xff, nr_cells * sizeof(u16));     // no cell is like that: all are drawn
	return true;
}

void screen_init(void)
{
	const struct framebuffer *f = &bootinfo.framebuffer;
	bool is_text = !f->address || f->is_text;

	if (screen.is_present || !(is_text ? find_text(f) : find_pixels(f)))
		return;
	screen.rows = min(screen.rows, MAX_ROWS);
	screen.columns = min(screen.columns, MAX_COLUMNS);
	if (!cells_alloc())
		return;
	screen.attribute = ATTRIBUTE_NORMAL;
	for (u32 row = 0; row < screen.rows; row++)
		erase(row, 0, screen.columns);
	screen.has_changed = true;
	screen.is_present = true;
}

void screen_start(void)
{
	if (!screen.is_present)
		return;
	printk("screen: %u columns, %u rows of %s\n", screen.columns, screen.rows,
	       screen.is_text ? "VGA text" : "a framebuffer");
	if (!kernel_thread_create("screen", drawer, NULL))
		printk("screen: no memory for its thread: it stays dark\n");
}

bool screen_is_present(void)
{
	return screen.is_present;
}

void screen_size(u32 *rows, u32 *columns)
{
	*rows = screen.rows;
	*columns = screen.columns;
}
