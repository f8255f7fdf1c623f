// BUILD: kernel/dev/line.c kernel/lib/string.c
/*
 * line_test.c - the line discipline: what is typed, what a reader gets, what the screen shows;
 * and random typing with random settings against the three counters' order.
 */
#include "dev/line.h"
#include <abi/signal.h>

static struct line line;
static char shown[1 << 16];
static size_t nr_shown;

static void echo(struct line *l, const char *text, size_t nr_bytes)
{
	(void)l;
	if (nr_shown + nr_bytes >= sizeof(shown))
		nr_shown = 0;
	memcpy(shown + nr_shown, text, nr_bytes);
	nr_shown += nr_bytes;
	shown[nr_shown] = 0;
}

static void start(void)
{
	line_init(&line, echo);
	nr_shown = 0;
	shown[0] = 0;
}

static int type(const char *text)
{
	int signal = 0;

	for (; *text; text++)
		signal = line_input(&line, (u8)*text);
	return signal;
}

// One read() of at most max bytes; "-" when it would wait, "EOF" for an end of file.
static const char *reads(size_t max)
{
	static char got[LINE_INPUT_SIZE + 1];
	bool is_over;
	size_t n;

	if (!line_nr_readable(&line))
		return "-";
	n = line_take(&line, (u8 *)got, max, &is_over);
	got[n] = 0;
	return n || !is_over ? got : "EOF";
}

static bool typed_gives(const char *text, const char *expected_read, const char *expected_shown)
{
	start();
	type(text);
	return strcmp(reads(100), expected_read) == 0 && strcmp(shown, expected_shown) == 0;
}

static void lines(void)
{
	ok(typed_gives("ab", "-", "ab"), "an unfinished line is not read");
	ok(typed_gives("ab\r", "ab\n", "ab\r\n"), "Enter ends a line, CR becomes NL");
	ok(typed_gives("ab\ncd\n", "ab\n", "ab\r\ncd\r\n"), "a read gets one line");
	ok(typed_gives("\004", "EOF", ""), "^D alone is end of file");
	ok(typed_gives("ab\004", "ab", "ab"), "^D behind bytes hands them over");
	start();
	type("abc\004d\n");
	ok(strcmp(reads(3), "abc") == 0 && strcmp(reads(9), "d\n") == 0, "a read that ends at ^D takes it along");
	start();
	type("abcdef\n");
	ok(strcmp(reads(4), "abcd") == 0 && strcmp(reads(4), "ef\n") == 0, "a long line in two reads");
}

static void editing(void)
{
	ok(typed_gives("abc\177\177x\n", "ax\n", "abc\b \b\b \bx\r\n"), "erase");
	ok(typed_gives("\177\177a\n", "a\n", "a\r\n"), "erase at the beginning does nothing");
	ok(typed_gives("ab\025c\n", "c\n", "ab\b \b\b \bc\r\n"), "kill");
	ok(typed_gives("a bc  \027d\n", "a d\n", "a bc  \b \b\b \b\b \b\b \bd\r\n"), "word erase");
	ok(typed_gives("a\tb\177\177c\n", "ac\n", "a\tb\b \b\b \b\b \b\b \b\b \b\b \b\b \b\b \bc\r\n"),
	   "erasing a tab");
	ok(typed_gives("\001\177\n", "\n", "^A\b \b\b \b\r\n"), "erasing ^A");
	ok(typed_gives("\303\244\177x\n", "x\n", "\303\244\b \bx\r\n"), "erasing a character of two bytes");
	ok(typed_gives("a\026\003\n", "a\003\n", "a^\b^C\r\n"), "^V takes the next character as it is");
	ok(typed_gives("ab\022c\n", "abc\n", "ab^R\r\nabc\r\n"), "reprint");
}

static void signals(void)
{
	start();
	ok(type("abc\003") == SIGINT && strcmp(reads(9), "-") == 0, "^C is SIGINT and throws the line away");
	ok(strcmp(shown, "abc^C") == 0, "^C is shown");
	ok(type("\034") == SIGQUIT && type("\032") == SIGTSTP, "^\\ and ^Z");
	start();
	type("\023");
	ok(line.is_stopped, "^S stops the output");
	type("\021");
	ok(!line.is_stopped && strcmp(shown, "") == 0, "^Q lets it go on");
}

static void raw(void)
{
	struct kernel_termios settings;

	start();
	settings = line.settings;
	settings.c_lflag &= ~(u32)(ICANON | ECHO | ISIG);
	settings.c_iflag = 0;
	line_set(&line, &settings);
	ok(type("a\003\r\004") == 0 && strcmp(reads(9), "a\003\r\004") == 0 && !nr_shown, "raw bytes pass as they are");
	start();
	type("half");
	line_set(&line, &settings);
	ok(strcmp(reads(9), "half") == 0, "half a line may be read when the mode becomes raw");
}

static void full(void)
{
	start();
	for (u32 i = 0; i < 2 * LINE_INPUT_SIZE; i++)
		type("x");
	ok(line_has_room(&line), "a line that is too long does not stop the typing");
	type("\n");
	ok(strlen(reads(2 * LINE_INPUT_SIZE)) == LINE_INPUT_SIZE, "it is cut, and ends");
	for (u32 i = 0; line_has_room(&line); i++)
		type(i % 10 == 9 ? "\n" : "y");
	ok(line_nr_readable(&line) > LINE_INPUT_SIZE - 16, "finished lines fill the buffer");
	reads(10);
	ok(line_has_room(&line), "a read makes room");
}

static bool output_gives(const char *text, const char *expected)
{
	char out[256];
	size_t taken, n;

	start();
	n = line_output(&line, (const u8 *)text, strlen(text), &taken, out, sizeof(out));
	return taken == strlen(text) && n == strlen(expected) && memcmp(out, expected, n) == 0;
}

static void output(void)
{
	ok(output_gives("a\nb\tc", "a\r\nb\tc") && line.column == 9, "NL becomes CR NL; the column is known");
	start();
	line.settings.c_oflag |= XTABS;
	char out[16];
	size_t taken, n = line_output(&line, (const u8 *)"abc\td", 5, &taken, out, sizeof(out));

	ok(n == 9 && memcmp(out, "abc     d", 9) == 0, "tabs become blanks");
	n = line_output(&line, (const u8 *)"0123456789abcdef", 16, &taken, out, sizeof(out));
	ok(taken == n && n >= 8 && n <= 16, "output that does not fit is taken in part");
}

static void random_typing(void)
{
	static const char special[] = "\003\004\025\027\022\026\177\r\n\t\021\023\303\244";

	start();
	for (int step = 0; step < 300000; step++) {
		u64 r = host_random();
		bool is_over;
		u8 got[64];

		if (r % 1000 == 0) {
			struct kernel_termios settings = line.settings;

			settings.c_lflag ^= 1u << (r >> 10) % 16;
			settings.c_iflag ^= 1u << (r >> 20) % 15;
			settings.c_oflag ^= 1u << (r >> 30) % 8;
			line_set(&line, &settings);
		} else if (r % 8 == 0) {
			size_t max = 1 + (r >> 10) % 64;

			require(line_take(&line, got, max, &is_over) <= max);
		} else {
			line_input(&line, r & 1 << 20 ? (u8)special[(r >> 10) % (sizeof(special) - 1)] : (u8)(r >> 10));
		}
		require(line.committed - line.first <= line.next - line.first);
		require(line.next - line.first <= LINE_INPUT_SIZE);
	}
	ok(true, "300000 random keys, reads and settings");
}

int main(void)
{
	lines();
	editing();
	signals();
	raw();
	full();
	output();
	random_typing();
	return tap_end();
}
