/*
 * Simple commands: a name and its arguments, which may be a function, a builtin or a program. The
 * first two run in this process, between keeping descriptors and variables aside and putting them
 * back; a program gets a process of its own.
 */
#include "sh.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of functions in functions: each level takes some of the stack. */
enum { DEEPEST_CALL = 1000 };

struct function {
	struct function *next;
	char *name;
	struct node *body;              /* in a region that is never freed */
};

static struct function *functions;

struct node *function_find(const char *name)
{
	for (struct function *f = functions; f; f = f->next)
		if (!strcmp(f->name, name))
			return f->body;
	return NULL;
}

void function_unset(const char *name)
{
	for (struct function **link = &functions; *link; link = &(*link)->next)
		if (!strcmp((*link)->name, name)) {
			struct function *f = *link;

			*link = f->next;
			free(f->name);
			free(f);
			return;
		}
}

void function_define(const char *name, struct node *body)
{
	function_unset(name);
	struct function *f = must(malloc(sizeof(*f)));
	f->name = must(strdup(name));
	f->body = body;
	f->next = functions;
	functions = f;
}

/* ---- programs ---- */

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

char *path_search(struct region *r, const char *name)
{
	const char *path = var_get("PATH");

	if (strchr(name, '/'))
		return region_strndup(r, name, strlen(name));
	while (path && *path) {
		size_t len = strcspn(path, ":");
		size_t size = len + strlen(name) + 3;
		char *candidate = region_alloc(r, size);

		snprintf(candidate, size, "%.*s/%s", len ? (int)len : 1, len ? path : ".", name);
		if (is_program(candidate))
			return candidate;
		path += len + (path[len] == ':');
	}
	return NULL;
}

/* A file that the kernel does not know how to run is a script for this shell. */
static void exec_as_script(struct region *r, const char *path, char **argv, char **environment)
{
	struct fields f = { 0 };

	fields_add(r, &f, "sh");
	fields_add(r, &f, (char *)path);
	for (int i = 1; argv[i]; i++)
		fields_add(r, &f, argv[i]);
	execve("/bin/sh", f.list, environment);
}

void exec_program(char **argv)
{
	struct region r = { 0 };
	char **environment = vars_environment(&r);
	char *path = path_search(&r, argv[0]);

	if (!path) {
		sh_warn("%s: not found", argv[0]);
		_exit(127);
	}
	execve(path, argv, environment);
	if (errno == ENOEXEC)
		exec_as_script(&r, path, argv, environment);
	int error = errno;
	sh_warn("%s: %s", argv[0], error == ENOENT ? "not found" : strerror(error));
	_exit(error == ENOENT || error == ENOTDIR ? 127 : 126);
}

/* ---- simple commands ---- */

static void trace(struct node *n, struct fields *args)
{
	struct region r = { 0 };

	if (!sh.trace)
		return;
	fprintf(stderr, "%s", var_get("PS4") ? var_get("PS4") : "+ ");
	const char *space = "";
	for (struct word *w = n->assigns; w; w = w->next) {
		fprintf(stderr, "%s%s", space, expand_string(&r, w->parts));
		space = " ";
	}
	for (size_t i = 0; i < args->count; i++) {
		fprintf(stderr, "%s%s", space, args->list[i]);
		space = " ";
	}
	fputc('\n', stderr);
	region_free(&r);
}

enum assign_how { ASSIGN_HERE, ASSIGN_EXPORTED, ASSIGN_FOR_A_WHILE };

static bool assign_all(struct region *r, struct word *assigns, enum assign_how how)
{
	for (struct word *w = assigns; w; w = w->next) {
		char *assignment = expand_string(r, w->parts);
		char *name = region_strndup(r, assignment, strcspn(assignment, "="));

		if (how == ASSIGN_FOR_A_WHILE)
			var_save(name);
		if (!var_assign(assignment))
			return false;
		if (how != ASSIGN_HERE)
			var_export(name);
	}
	return true;
}

static int call_function(struct node *body, struct fields *args)
{
	char **params = sh.params;
	int nr_params = sh.nr_params, loops = sh.loop_depth;
	struct saved_var *mark = vars_mark();

	if (sh.function_depth == DEEPEST_CALL)
		sh_fatal("%s: functions call each other %d deep", args->list[0], DEEPEST_CALL);
	sh.params = args->list + 1;
	sh.nr_params = (int)args->count - 1;
	sh.loop_depth = 0;
	sh.function_depth++;
	int status = exec_node(body, FORK_FIRST);
	if (sh.flow == FLOW_RETURN) {
		sh.flow = FLOW_NONE;
		status = sh.status;
	}
	sh.function_depth--;
	sh.loop_depth = loops;
	sh.params = params;
	sh.nr_params = nr_params;
	vars_restore(mark);
	return status;
}

/* A builtin or a function: in this process, between saving and restoring descriptors. */
static int run_inside(struct region *r, struct node *n, struct fields *args,
		      const struct builtin *builtin, struct node *function)
{
	struct saved_fd *fds = redir_mark();
	struct saved_var *vars = vars_mark();
	bool special = builtin && builtin->special;
	int status = 2;

	if (redir_apply(n->redirs, REDIR_UNDONE) &&
	    assign_all(r, n->assigns, special ? ASSIGN_HERE : ASSIGN_FOR_A_WHILE)) {
		status = function ? call_function(function, args) :
			builtin->run((int)args->count, args->list);
		fflush(stdout);
		clearerr(stdout);
	} else if (special && !sh.interactive) {
		sh_exit(2);
	}
	redir_restore(fds);
	if (!special)
		vars_restore(vars);
	return status;
}

static int run_program(struct region *r, struct node *n, struct fields *args, enum fork_mode mode)
{
	struct job *j = NULL;

	if (mode == FORK_FIRST || trap_has_exit()) {
		j = job_create(n->source ? n->source : args->list[0]);
		if (job_fork(j, FOREGROUND) != 0)
			return job_wait_foreground(j);
	}
	if (!redir_apply(n->redirs, REDIR_STAYS) || !assign_all(r, n->assigns, ASSIGN_EXPORTED))
		_exit(2);
	exec_program(args->list);
}

/* `exec`: the redirections stay, and a command replaces the shell. */
static int run_exec(struct region *r, struct node *n, struct fields *args)
{
	if (!redir_apply(n->redirs, REDIR_STAYS)) {
		if (!sh.interactive)
			sh_exit(2);
		return 2;
	}
	assign_all(r, n->assigns, args->count > 1 ? ASSIGN_EXPORTED : ASSIGN_HERE);
	if (args->count > 1) {
		fflush(stdout);
		child_signals();
		exec_program(args->list + 1);
	}
	return 0;
}

static int run_assignments(struct region *r, struct node *n)
{
	struct saved_fd *fds = redir_mark();
	bool ok = redir_apply(n->redirs, REDIR_UNDONE) && assign_all(r, n->assigns, ASSIGN_HERE);

	redir_restore(fds);
	if (!ok && !sh.interactive && n->assigns)
		sh_exit(2);
	return ok ? sh.substitution_status : 2;
}

int exec_simple(struct node *n, enum fork_mode mode)
{
	struct region r = { 0 };
	struct fields args = { 0 };
	int status;

	sh.substitution_status = 0;
	expand_words(&r, n->words, &args);
	trace(n, &args);
	if (!args.count) {
		status = run_assignments(&r, n);
	} else {
		const struct builtin *builtin = builtin_find(args.list[0]);
		struct node *function = function_find(args.list[0]);

		if (builtin && builtin->special)
			function = NULL;
		if (builtin && !builtin->run)
			status = run_exec(&r, n, &args);
		else if (builtin || function)
			status = run_inside(&r, n, &args, function ? NULL : builtin, function);
		else
			status = run_program(&r, n, &args, mode);
	}
	region_free(&r);
	return status;
}
