// Shell patterns: * for any text, ? for a character, [a-z] and [!a-z] for one of a set, \ for the
// next as it is.

#include <ctype.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <string.h>

static int fold(int c, int flags)
{
	return flags & FNM_CASEFOLD ? tolower(c) : c;
}

// Whether a set, from behind its [, contains c. Answers the pattern behind the ], or NULL if
// there is none: then the [ was only a character.
static const char *set_match(const char *set, int c, int flags, bool *is_member)
{
	bool is_inverted = *set == '!' || *set == '^';
	bool found = false;

	if (is_inverted)
		set++;
	const char *s = set;
	do {
		if (!*s)
			return NULL;
		if (*s == '\\' && !(flags & FNM_NOESCAPE) && s[1])
			s++;
		int first = fold((unsigned char)*s, flags);
		int last = first;
		if (s[1] == '-' && s[2] && s[2] != ']') {
			last = fold((unsigned char)s[2], flags);
			s += 2;
		}
		if (c >= first && c <= last)
			found = true;
		s++;
	} while (*s != ']');
	*is_member = found != is_inverted;
	return s + 1;
}

// Whether wildcards must not match here: a slash, or a dot at the beginning of a name.
static bool is_guarded(const char *text, const char *start, int flags)
{
	if ((flags & FNM_PATHNAME) && *text == '/')
		return true;
	if (!(flags & FNM_PERIOD) || *text != '.')
		return false;
	return text == start || ((flags & FNM_PATHNAME) && text[-1] == '/');
}

// Matches one character against the pattern's next element, which is no *. Answers the pattern
// behind it, or NULL.
static const char *element_match(const char *pattern, const char *text, const char *start,
				 int flags)
{
	int c = fold((unsigned char)*text, flags);
	bool is_member;

	if (*pattern == '?')
		return is_guarded(text, start, flags) ? NULL : pattern + 1;
	if (*pattern == '[') {
		const char *behind = set_match(pattern + 1, c, flags, &is_member);
		if (behind)
			return is_member && !is_guarded(text, start, flags) ? behind : NULL;
	}
	if (*pattern == '\\' && !(flags & FNM_NOESCAPE) && pattern[1])
		pattern++;
	return fold((unsigned char)*pattern, flags) == c ? pattern + 1 : NULL;
}

// Goes back, after a failure, only to the last *: what an earlier one could do, the last can do
// too, unless slashes are special; then a * that cannot go on fails the whole match.
int fnmatch(const char *pattern, const char *text, int flags)
{
	const char *start = text;
	const char *star = NULL;	// the pattern behind the last *
	const char *star_text = NULL;	// the text from where that was tried last

	for (;;) {
		if (*pattern == '*') {
			while (*pattern == '*')
				pattern++;
			if (is_guarded(text, start, flags) && *text == '.')
				return FNM_NOMATCH;
			star = pattern;
			star_text = text;
			continue;
		}
		if (!*text && !*pattern)
			return 0;
		const char *next = NULL;
		if (*text && *pattern)
			next = element_match(pattern, text, start, flags);
		if (next) {
			pattern = next;
			text++;
			continue;
		}
		if (!star || !*star_text || is_guarded(star_text, start, flags))
			return FNM_NOMATCH;
		pattern = star;
		text = ++star_text;
	}
}
