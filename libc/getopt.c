// The options of a command line, short and long.
//
// Options end at the first argument that is none: as POSIX has it, arguments are not moved about.
// A "+" or "-" before the short options changes nothing; a ":" makes messages silent.

#include "internal.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

char *optarg;
int optind = 1;
int opterr = 1;
int optopt;

static int next_letter;		// in argv[optind], behind the dash; 0: a new argument begins

static bool is_silent(const char *options)
{
	return !opterr || options[strspn(options, "+-")] == ':';
}

// Reports an option that cannot be taken.
static int option_refuse(char *const argv[], const char *options, const char *text, int letter)
{
	optopt = letter;
	if (!is_silent(options))
		fprintf(stderr, "%s: %s -- '%c'\n", argv[0], text, letter);
	return '?';
}

// One letter of argv[optind].
static int letter_take(int argc, char *const argv[], const char *options)
{
	const char *argument = argv[optind];
	int letter = (unsigned char)argument[next_letter++];
	const char *found = letter == ':' ? NULL : strchr(options, letter);
	bool was_last = !argument[next_letter];
	const char *rest = argument + next_letter;

	if (was_last || (found && found[1] == ':')) {
		optind++;
		next_letter = 0;
	}
	if (!found)
		return option_refuse(argv, options, "invalid option", letter);
	optarg = NULL;
	if (found[1] != ':')
		return letter;
	if (!was_last) {
		optarg = (char *)rest;
	} else if (found[2] != ':') {	// two colons: only what stands in the same argument
		if (optind >= argc) {
			option_refuse(argv, options, "option requires an argument", letter);
			return options[strspn(options, "+-")] == ':' ? ':' : '?';
		}
		optarg = argv[optind++];
	}
	return letter;
}

// Whether argv[optind] has options; steps over "--".
static bool has_option(int argc, char *const argv[])
{
	if (optind == 0) {		// somebody wants to begin again
		optind = 1;
		next_letter = 0;
	}
	if (next_letter > 0)
		return true;
	if (optind >= argc || !argv[optind] || argv[optind][0] != '-' || !argv[optind][1])
		return false;
	if (strcmp(argv[optind], "--") == 0) {
		optind++;
		return false;
	}
	return true;
}

// The next option's letter; '?' for one that is not known; -1 behind the last.
int getopt(int argc, char *const argv[], const char *options)
{
	if (!has_option(argc, argv))
		return -1;
	if (next_letter == 0)
		next_letter = 1;
	return letter_take(argc, argv, options);
}

// The long option that a name means: the same, or the only one that begins so. -1: none, -2:
// several.
static int long_find(const char *name, size_t length, const struct option *long_options)
{
	int found = -1;

	for (int i = 0; long_options[i].name; i++) {
		if (strncmp(long_options[i].name, name, length) != 0)
			continue;
		if (!long_options[i].name[length])
			return i;
		found = found == -1 ? i : -2;
	}
	return found;
}

static int long_refuse(char *const argv[], const char *options, const char *text,
		       const char *name, int answer)
{
	optopt = 0;
	if (!is_silent(options))
		fprintf(stderr, "%s: %s '%s'\n", argv[0], text, name);
	return answer;
}

// Takes argv[optind] as a long option.
static int long_take(int argc, char *const argv[], const char *options, const char *name,
		     const struct option *long_options, int *index)
{
	size_t length = strcspn(name, "=");
	int found = long_find(name, length, long_options);
	const char *argument = argv[optind++];

	optarg = NULL;
	if (found < 0)
		return long_refuse(argv, options, found == -2 ? "ambiguous option" :
				   "unrecognized option", argument, '?');
	const struct option *option = &long_options[found];
	if (name[length] == '=') {
		if (option->has_arg == no_argument)
			return long_refuse(argv, options, "option takes no argument", argument,
					   '?');
		optarg = (char *)name + length + 1;
	} else if (option->has_arg == required_argument) {
		if (optind >= argc)
			return long_refuse(argv, options, "option requires an argument", argument,
					   options[strspn(options, "+-")] == ':' ? ':' : '?');
		optarg = argv[optind++];
	}
	if (index)
		*index = found;
	if (!option->flag)
		return option->val;
	*option->flag = option->val;
	return 0;
}

int getopt_long(int argc, char *const argv[], const char *options,
		const struct option *long_options, int *index)
{
	if (!has_option(argc, argv))
		return -1;
	if (next_letter == 0) {
		if (argv[optind][1] == '-')
			return long_take(argc, argv, options, argv[optind] + 2, long_options,
					 index);
		next_letter = 1;
	}
	return letter_take(argc, argv, options);
}

// Long options with one dash, too, unless the first letter is a short one and nothing longer fits.
int getopt_long_only(int argc, char *const argv[], const char *options,
		     const struct option *long_options, int *index)
{
	if (!has_option(argc, argv))
		return -1;
	if (next_letter == 0 && argv[optind][1] != '-') {
		const char *name = argv[optind] + 1;
		bool is_long = long_find(name, strcspn(name, "="), long_options) >= 0;
		if (is_long || !strchr(options, name[0]))
			return long_take(argc, argv, options, name, long_options, index);
	}
	return getopt_long(argc, argv, options, long_options, index);
}
