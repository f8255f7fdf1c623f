/*
 * Variables: one list of names, values and two flags. The environment of a command is built from
 * the exported ones when it starts.
 */
#include "sh.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct var *variables;

struct var *var_find(const char *name)
{
	struct var *v = variables;

	while (v && strcmp(v->name, name))
		v = v->next;
	return v;
}

static struct var *var_make(const char *name)
{
	struct var *v = var_find(name);

	if (!v) {
		v = must(calloc(1, sizeof(*v)));
		v->name = must(strdup(name));
		v->next = variables;
		variables = v;
	}
	return v;
}

const char *var_get(const char *name)
{
	struct var *v = var_find(name);

	return v ? v->value : NULL;
}

bool var_set(const char *name, const char *value)
{
	struct var *v = var_make(name);

	if (v->readonly) {
		sh_warn("%s: is read only", name);
		return false;
	}
	char *copy = must(strdup(value));
	free(v->value);
	v->value = copy;
	return true;
}

bool var_assign(const char *assignment)
{
	const char *equals = strchr(assignment, '=');
	char *name = must(strndup(assignment, equals - assignment));
	bool ok = var_set(name, equals + 1);

	free(name);
	return ok;
}

void var_export(const char *name)
{
	var_make(name)->exported = true;
}

void var_readonly(const char *name)
{
	var_make(name)->readonly = true;
}

bool var_unset(const char *name)
{
	for (struct var **link = &variables; *link; link = &(*link)->next) {
		struct var *v = *link;

		if (strcmp(v->name, name))
			continue;
		if (v->readonly) {
			sh_warn("unset: %s: is read only", name);
			return false;
		}
		*link = v->next;
		free(v->name);
		free(v->value);
		free(v);
		break;
	}
	return true;
}

/* ---- values to come back: `local` in functions, `x=1 command` ---- */

struct saved_var {
	struct saved_var *next;
	char *name, *value;
	bool exported, existed;
};

static struct saved_var *saved_vars;

struct saved_var *vars_mark(void)
{
	return saved_vars;
}

void var_save(const char *name)
{
	struct var *v = var_find(name);
	struct saved_var *s = must(calloc(1, sizeof(*s)));

	s->name = must(strdup(name));
	s->existed = v != NULL;
	s->exported = v && v->exported;
	s->value = v && v->value ? must(strdup(v->value)) : NULL;
	s->next = saved_vars;
	saved_vars = s;
}

void vars_restore(struct saved_var *mark)
{
	while (saved_vars != mark) {
		struct saved_var *s = saved_vars;

		saved_vars = s->next;
		if (!s->existed) {
			var_unset(s->name);
		} else {
			struct var *v = var_make(s->name);

			free(v->value);
			v->value = s->value;
			v->exported = s->exported;
			s->value = NULL;
		}
		free(s->value);
		free(s->name);
		free(s);
	}
}

char **vars_environment(struct region *r)
{
	struct fields f = { 0 };

	for (struct var *v = variables; v; v = v->next) {
		if (!v->exported || !v->value)
			continue;
		size_t size = strlen(v->name) + strlen(v->value) + 2;
		char *entry = region_alloc(r, size);
		snprintf(entry, size, "%s=%s", v->name, v->value);
		fields_add(r, &f, entry);
	}
	if (!f.list)
		f.list = region_alloc(r, sizeof(char *));
	return f.list;
}

static int compare_vars(const void *a, const void *b)
{
	const struct var *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

/* 'it'\''s': a value in quotes that the shell reads back. */
static void print_quoted(const char *value)
{
	putchar('\'');
	for (; *value; value++) {
		if (*value == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*value);
	}
	putchar('\'');
}

void vars_print(const char *prefix, bool (*wanted)(const struct var *v))
{
	size_t count = 0;

	for (struct var *v = variables; v; v = v->next)
		count++;
	struct var **sorted = must(malloc((count + 1) * sizeof(*sorted)));
	count = 0;
	for (struct var *v = variables; v; v = v->next)
		sorted[count++] = v;
	qsort(sorted, count, sizeof(*sorted), compare_vars);
	for (size_t i = 0; i < count; i++) {
		if (!wanted(sorted[i]))
			continue;
		printf("%s%s", prefix, sorted[i]->name);
		if (sorted[i]->value) {
			putchar('=');
			print_quoted(sorted[i]->value);
		}
		putchar('\n');
	}
	free(sorted);
}

static void set_default(const char *name, const char *value)
{
	if (!var_get(name))
		var_set(name, value);
}

void vars_init(char **environment)
{
	char here[4096], number[24];

	for (; *environment; environment++) {
		const char *equals = strchr(*environment, '=');

		if (!equals || !is_name(*environment, equals - *environment))
			continue;
		var_assign(*environment);
		char *name = must(strndup(*environment, equals - *environment));
		var_export(name);
		free(name);
	}
	set_default("PATH", "/bin:/sbin:/usr/bin:/demo");
	set_default("PS1", "lectern:$PWD# ");
	set_default("PS2", "> ");
	set_default("PS4", "+ ");
	var_set("IFS", " \t\n");
	snprintf(number, sizeof(number), "%d", (int)getppid());
	var_set("PPID", number);
	if (getcwd(here, sizeof(here)))
		var_set("PWD", here);
}
