/*
 * line.c - the line discipline. The hard part is erasing: what is taken out of the line must also
 * go from the screen, and a character may be wide there (tab, ^X) or part of one (UTF-8), so
 * columns are counted from where the line began. No locks; the caller's lock covers struct line.
 */
#include "dev/line.h"
#include "lib/string.h"
#include <abi/signal.h>

#define BELL 7

static const struct kernel_termios defaults = {
	.c_iflag = ICRNL | IXON | IUTF8,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B115200 | CS8 | CREAD | CLOCAL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = { [VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VMIN] = 1, [VSTART] = 17,
		  [VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18, [VDISCARD] = 15, [VWERASE] = 23, [VLNEXT] = 22 },
};

void line_init(struct line *l, void (*echo)(struct line *l, const char *text, size_t nr_bytes))
{
	*l = (struct line){ .echo = echo };
	l->settings = defaults;
}

static bool is_canonical(const struct line *l)
{
	return l->settings.c_lflag & ICANON;
}

static bool local(const struct line *l, u32 flag)
{
	return l->settings.c_lflag & flag;
}

// Is byte the control character `which`? 0 means that there is none.
static bool is_control(const struct line *l, u8 byte, u32 which)
{
	return byte && l->settings.c_cc[which] == byte;
}

static bool extended(const struct line *l, u8 byte, u32 which)
{
	return local(l, IEXTEN) && is_control(l, byte, which);
}

/* --- the input buffer ------------------------------------------------------- */

static void mark_end(struct line *l, u32 at, bool is_end)
{
	u64 bit = 1ul << at % 64;

	if (is_end)
		l->is_end[at / 64 % ARRAY_SIZE(l->is_end)] |= bit;
	else
		l->is_end[at / 64 % ARRAY_SIZE(l->is_end)] &= ~bit;
}

static bool is_end(const struct line *l, u32 at)
{
	return l->is_end[at / 64 % ARRAY_SIZE(l->is_end)] >> at % 64 & 1;
}

static u8 byte_at(const struct line *l, u32 at)
{
	return l->input[at % LINE_INPUT_SIZE];
}

static bool is_end_of_file(const struct line *l, u32 at)
{
	return is_end(l, at) && byte_at(l, at) == 0;
}

static u32 used(const struct line *l)
{
	return l->next - l->first;
}

static void append(struct line *l, u8 byte, bool ends_line)
{
	l->input[l->next % LINE_INPUT_SIZE] = byte;
	mark_end(l, l->next, ends_line);
	l->next++;
	if (ends_line || !is_canonical(l))
		l->committed = l->next;
}

bool line_has_room(const struct line *l)
{
	// One place is kept for the end of a line. A line that is too long loses its tail: waiting would not help.
	return used(l) < LINE_INPUT_SIZE - 1 || (is_canonical(l) && l->committed == l->first);
}

void line_flush_input(struct line *l)
{
	l->first = l->committed = l->next;
	l->takes_literally = false;
}

u32 line_nr_readable(const struct line *l)
{
	return READ_ONCE(l->committed) - READ_ONCE(l->first);
}

void line_set(struct line *l, const struct kernel_termios *settings)
{
	bool was_canonical = is_canonical(l);

	l->settings = *settings;
	if (was_canonical != is_canonical(l))
		l->committed = l->next;         // what is there may be read at once, as on Linux
	if (!(settings->c_iflag & IXON))
		l->is_stopped = false;
}

size_t line_take(struct line *l, u8 *to, size_t max, bool *is_over)
{
	size_t n = 0;

	*is_over = false;
	while (l->first != l->committed && !*is_over) {
		if (is_canonical(l) && is_end_of_file(l, l->first)) {
			l->first++;             // also right behind the last byte that fits: it belongs to that read
			*is_over = true;
			break;
		}
		if (n == max)
			break;
		*is_over = is_canonical(l) && is_end(l, l->first);
		to[n++] = byte_at(l, l->first++);
	}
	return n;
}

/* --- echo and erasing ------------------------------------------------------- */

static void show(struct line *l, const char *text, size_t nr_bytes)
{
	l->echo(l, text, nr_bytes);
}

static bool is_continuation(const struct line *l, u8 byte)
{
	return l->settings.c_iflag & IUTF8 && (byte & 0xc0) == 0x80;
}

static bool shows_as_control(const struct line *l, u8 byte)
{
	return local(l, ECHOCTL) && (byte < 32 || byte == 127) && byte != '\t' && byte != '\n';
}

// The column behind byte when it is echoed at `column`.
static u32 column_after(const struct line *l, u8 byte, u32 column)
{
	if (byte == '\t')
		return (column | 7) + 1;
	if (shows_as_control(l, byte))
		return column + 2;
	if (is_continuation(l, byte) || byte < 32 || byte == 127)
		return column;
	return column + 1;
}

static void echo_byte(struct line *l, u8 byte)
{
	char text[2] = { '^', (char)(byte ^ 0x40) };

	if (byte == '\n' && l->settings.c_oflag & OPOST && l->settings.c_oflag & ONLCR) {
		show(l, "\r\n", 2);
		l->column = 0;
		return;
	}
	l->column = column_after(l, byte, l->column);
	if (shows_as_control(l, byte))
		show(l, text, 2);
	else
		show(l, (const char *)&byte, 1);
}

static void echo(struct line *l, u8 byte)
{
	if (local(l, ECHO) || (byte == '\n' && local(l, ECHONL) && is_canonical(l)))
		echo_byte(l, byte);
}

// The column where the byte at `at` of the line being edited begins.
static u32 column_of(const struct line *l, u32 at)
{
	u32 column = l->edit_column;

	for (u32 i = l->committed; i != at; i++)
		column = column_after(l, byte_at(l, i), column);
	return column;
}

// Takes the line's end from `to` on out of the buffer and off the screen.
static void erase_to(struct line *l, u32 to)
{
	u32 before = column_of(l, l->next), after = column_of(l, to);

	l->next = to;
	if (!local(l, ECHO) || !local(l, ECHOE))
		return;
	for (; before > after; before--) {
		show(l, "\b \b", 3);
		if (l->column)
			l->column--;
	}
}

static void erase_character(struct line *l)
{
	u32 to = l->next;

	if (to == l->committed)
		return;
	do
		to--;
	while (to != l->committed && is_continuation(l, byte_at(l, to)));
	erase_to(l, to);
	if (local(l, ECHO) && !local(l, ECHOE))
		echo_byte(l, l->settings.c_cc[VERASE]);
}

static bool is_word_byte(u8 b)
{
	return (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || b == '_' || b >= 0x80;
}

static void erase_word(struct line *l)
{
	u32 to = l->next;

	while (to != l->committed && !is_word_byte(byte_at(l, to - 1)))
		to--;
	while (to != l->committed && is_word_byte(byte_at(l, to - 1)))
		to--;
	erase_to(l, to);
}

static void erase_line(struct line *l)
{
	bool is_visible = local(l, ECHOKE) && local(l, ECHOE);

	if (is_visible)
		erase_to(l, l->committed);
	l->next = l->committed;
	if (!is_visible && local(l, ECHOK)) {
		echo(l, l->settings.c_cc[VKILL]);
		echo(l, '\n');
	}
}

static void reprint(struct line *l)
{
	echo(l, l->settings.c_cc[VREPRINT]);
	echo(l, '\n');
	l->edit_column = l->column;
	for (u32 i = l->committed; i != l->next; i++)
		echo(l, byte_at(l, i));
}

/* --- typed bytes ------------------------------------------------------------ */

int line_signal_of(const struct line *l, u8 byte)
{
	if (!local(l, ISIG))
		return 0;
	if (is_control(l, byte, VINTR))
		return SIGINT;
	if (is_control(l, byte, VQUIT))
		return SIGQUIT;
	return is_control(l, byte, VSUSP) ? SIGTSTP : 0;
}

// Editing characters of the canonical mode. True: it was one.
static bool edit(struct line *l, u8 byte)
{
	if (is_control(l, byte, VERASE))
		erase_character(l);
	else if (is_control(l, byte, VKILL))
		erase_line(l);
	else if (extended(l, byte, VWERASE))
		erase_word(l);
	else if (extended(l, byte, VREPRINT))
		reprint(l);
	else
		return false;
	return true;
}

static void store(struct line *l, u8 byte)
{
	u32 limit = is_canonical(l) ? LINE_INPUT_SIZE - 1 : LINE_INPUT_SIZE;

	if (used(l) >= limit) {
		show(l, (const char[]){ BELL }, 1);
		return;
	}
	if (l->next == l->committed)
		l->edit_column = l->column;
	append(l, byte, false);
	echo(l, byte);
}

// Ends of lines of the canonical mode. True: it was one.
static bool end_line(struct line *l, u8 byte)
{
	if (is_control(l, byte, VEOF)) {
		append(l, 0, true);
		return true;
	}
	if (byte != '\n' && !is_control(l, byte, VEOL) && !extended(l, byte, VEOL2))
		return false;
	append(l, byte, true);
	echo(l, byte);
	return true;
}

// What c_iflag makes of a byte; false: it vanishes.
static bool map_input(const struct line *l, u8 *byte)
{
	u32 flags = l->settings.c_iflag;

	if (flags & ISTRIP)
		*byte &= 0x7f;
	if (*byte == '\r' && flags & IGNCR)
		return false;
	if (*byte == '\r' && flags & ICRNL)
		*byte = '\n';
	else if (*byte == '\n' && flags & INLCR)
		*byte = '\r';
	if (flags & IUCLC && *byte >= 'A' && *byte <= 'Z')
		*byte += 'a' - 'A';
	return true;
}

// ^S and ^Q. True: it was one.
static bool flow_control(struct line *l, u8 byte)
{
	if (!(l->settings.c_iflag & IXON))
		return false;
	if (is_control(l, byte, VSTART))
		l->is_stopped = false;
	else if (is_control(l, byte, VSTOP))
		l->is_stopped = true;
	else
		return false;
	return true;
}

int line_input(struct line *l, u8 byte)
{
	if (l->takes_literally) {
		l->takes_literally = false;
		store(l, byte);
		return 0;
	}
	if (!map_input(l, &byte) || flow_control(l, byte))
		return 0;
	int signal = line_signal_of(l, byte);

	if (signal) {
		if (!local(l, NOFLSH))
			line_flush_input(l);
		l->is_stopped = false;
		echo(l, byte);
		return signal;
	}
	if (is_canonical(l)) {
		if (extended(l, byte, VLNEXT)) {
			l->takes_literally = true;
			if (local(l, ECHO) && local(l, ECHOCTL))
				show(l, "^\b", 2);
			return 0;
		}
		if (edit(l, byte) || end_line(l, byte))
			return 0;
	}
	store(l, byte);
	return 0;
}

/* --- written bytes ---------------------------------------------------------- */

// One byte as the device gets it, at most 8 bytes; sets the column.
static size_t output_byte(struct line *l, u8 byte, char *to)
{
	u32 flags = l->settings.c_oflag, n = 0, column = l->column;

	if (byte == '\r' && flags & OCRNL)
		byte = '\n';
	if (byte == '\n' && flags & (ONLCR | ONLRET))
		l->column = 0;
	if (byte == '\n' && flags & ONLCR)
		to[n++] = '\r';
	if (byte == '\r' && flags & ONOCR && !column)
		return 0;
	if (byte == '\t') {
		l->column = (column | 7) + 1;
		if ((flags & TABDLY) == XTABS) {
			memset(to, ' ', l->column - column);
			return l->column - column;
		}
	} else if (byte == '\r') {
		l->column = 0;
	} else if (byte == '\b') {
		l->column -= column > 0;
	} else if (byte >= 32 && byte != 127 && !is_continuation(l, byte)) {
		l->column++;
	}
	if (flags & OLCUC && byte >= 'a' && byte <= 'z')
		byte -= 'a' - 'A';
	to[n++] = (char)byte;
	return n;
}

size_t line_output(struct line *l, const u8 *from, size_t nr_bytes, size_t *taken, char *to, size_t size)
{
	size_t n = 0, i = 0;

	for (; i < nr_bytes && n + 8 <= size; i++) {
		if (l->settings.c_oflag & OPOST)
			n += output_byte(l, from[i], to + n);
		else
			to[n++] = (char)from[i];
	}
	*taken = i;
	return n;
}
