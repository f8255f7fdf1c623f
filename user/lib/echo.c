/* echo: its arguments and a newline; -n leaves the newline out, -e reads backslashes. */
#include "util.h"
#include <stdio.h>
#include <string.h>

/* \n and relatives. Returns how many characters of s it used; 0 means \c: stop at once. */
static size_t put_escape(const char *s)
{
	static const char letters[] = "abfnrtv\\", values[] = "\a\b\f\n\r\t\v\\";
	const char *found = s[1] ? strchr(letters, s[1]) : NULL;

	if (s[1] == 'c')
		return 0;
	if (s[1] == '0') {
		size_t n = 2;
		int value = 0;

		while (n < 5 && s[n] >= '0' && s[n] <= '7')
			value = value * 8 + s[n++] - '0';
		putchar(value);
		return n;
	}
	if (!found) {
		putchar('\\');
		return 1;
	}
	putchar(values[found - letters]);
	return 2;
}

int echo_run(int argc, char **argv)
{
	bool newline = true, escapes = false;
	int i = 1;

	for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		if (strspn(argv[i] + 1, "neE") != strlen(argv[i] + 1))
			break;
		for (const char *p = argv[i] + 1; *p; p++) {
			if (*p == 'n')
				newline = false;
			else
				escapes = *p == 'e';
		}
	}
	for (int first = i; i < argc; i++) {
		if (i > first)
			putchar(' ');
		if (!escapes) {
			fputs(argv[i], stdout);
			continue;
		}
		for (const char *p = argv[i]; *p; ) {
			if (*p != '\\') {
				putchar(*p++);
				continue;
			}
			size_t used = put_escape(p);
			if (!used)
				return finish_output();
			p += used;
		}
	}
	if (newline)
		putchar('\n');
	return finish_output();
}
