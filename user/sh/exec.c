/*
 * Execution: walking the tree. Each kind of node has one short function; exec_node() chooses, keeps
 * $?, runs traps and obeys set -e. `mode` says whether this process may become the command itself
 * (IN_CHILD: it is a child made for it) or must fork first.
 */
#include "sh.h"
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct function {
	struct function *next;
	char *name;
	struct node *body;              /* in a region that is never freed */
};

static struct function *functions;
static bool tree_is_kept;               /* a function was defined in the region being run */
static int substitution_status;         /* of the last $( ) */

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

static int exec_definition(struct node *n)
{
	function_unset(n->name);
	struct function *f = must(malloc(sizeof(*f)));
	f->name = must(strdup(n->name));
	f->body = n->a;
	f->next = functions;
	functions = f;
	tree_is_kept = true;
	return 0;
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
	return ok ? substitution_status : 2;
}

static int exec_simple(struct node *n, enum fork_mode mode)
{
	struct region r = { 0 };
	struct fields args = { 0 };
	int status;

	substitution_status = 0;
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

/* ---- pipelines, background, subshells ---- */

static int exec_pipe(struct node *n, enum ground ground)
{
	struct job *j = job_create(n->source);
	int input = -1, ends[2];

	for (struct node *member = n->a; member; member = member->next) {
		if (member->next && pipe(ends) < 0)
			sh_fatal("cannot make a pipe: %s", strerror(errno));
		if (job_fork(j, ground) == 0) {
			if (input >= 0) {
				dup2(input, 0);
				close(input);
			}
			if (member->next) {
				dup2(ends[1], 1);
				close(ends[0]);
				close(ends[1]);
			}
			sh_exit(exec_node(member, IN_CHILD));
		}
		if (input >= 0)
			close(input);
		if (member->next)
			close(ends[1]);
		input = ends[0];
	}
	if (ground == FOREGROUND)
		return job_wait_foreground(j);
	job_start_background(j);
	return 0;
}

static int exec_background(struct node *n)
{
	if (n->a->kind == NODE_PIPE)
		return exec_pipe(n->a, BACKGROUND);
	struct job *j = job_create(n->source);
	if (job_fork(j, BACKGROUND) == 0)
		sh_exit(exec_node(n->a, IN_CHILD));
	job_start_background(j);
	return 0;
}

static int exec_subshell(struct node *n, enum fork_mode mode)
{
	if (mode == FORK_FIRST || trap_has_exit()) {
		struct job *j = job_create(n->source);

		if (job_fork(j, FOREGROUND) != 0)
			return job_wait_foreground(j);
	}
	if (!redir_apply(n->redirs, REDIR_STAYS))
		sh_exit(2);
	sh_exit(exec_node(n->a, IN_CHILD));
}

char *exec_capture(struct region *r, struct node *tree)
{
	struct text output = { 0 };
	char block[512];
	int ends[2];
	ssize_t n;

	if (pipe(ends) < 0)
		sh_fatal("cannot make a pipe: %s", strerror(errno));
	pid_t pid = fork_subshell();
	if (pid == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		sh_exit(exec_node(tree, IN_CHILD));
	}
	close(ends[1]);
	while ((n = read(ends[0], block, sizeof(block))) > 0 || (n < 0 && errno == EINTR))
		for (ssize_t i = 0; i < n; i++)
			if (block[i])
				text_add(&output, block[i]);
	close(ends[0]);
	substitution_status = sh.status = wait_for(pid);
	while (output.len && output.data[output.len - 1] == '\n')
		output.len--;
	char *copy = region_strndup(r, output.data ? output.data : "", output.len);
	text_free(&output);
	return copy;
}

/* ---- control flow ---- */

static int exec_condition(struct node *n)
{
	sh.condition_depth++;
	int status = exec_node(n, FORK_FIRST);
	sh.condition_depth--;
	return status;
}

static int exec_and_or(struct node *n, enum fork_mode mode)
{
	int status = exec_condition(n->a);

	if (sh.flow == FLOW_NONE && (status == 0) == (n->kind == NODE_AND))
		return exec_node(n->b, mode);
	return status;
}

static int exec_if(struct node *n, enum fork_mode mode)
{
	int status = exec_condition(n->a);

	if (sh.flow != FLOW_NONE)
		return status;
	if (status == 0)
		return exec_node(n->b, mode);
	return n->c ? exec_node(n->c, mode) : 0;
}

/* After a loop's body: does the loop end? break and continue are for `flow_count` loops. */
static bool loop_ends(void)
{
	if (sh.flow == FLOW_NONE)
		return false;
	if (sh.flow == FLOW_RETURN || --sh.flow_count > 0)
		return true;
	bool ends = sh.flow == FLOW_BREAK;
	sh.flow = FLOW_NONE;
	return ends;
}

static int exec_while(struct node *n)
{
	int status = 0;

	sh.loop_depth++;
	for (;;) {
		int condition = exec_condition(n->a);

		if (sh.flow != FLOW_NONE) {
			if (loop_ends())
				break;
			continue;
		}
		if ((condition == 0) != (n->kind == NODE_WHILE))
			break;
		status = exec_node(n->b, FORK_FIRST);
		if (loop_ends())
			break;
	}
	sh.loop_depth--;
	return status;
}

static int exec_for(struct node *n)
{
	struct region r = { 0 };
	struct fields values = { 0 };
	int status = 0;

	if (n->has_list)
		expand_words(&r, n->words, &values);
	else
		for (int i = 0; i < sh.nr_params; i++)
			fields_add(&r, &values, region_strndup(&r, sh.params[i], strlen(sh.params[i])));
	sh.loop_depth++;
	for (size_t i = 0; i < values.count; i++) {
		if (!var_set(n->name, values.list[i]))
			sh_fatal("%s: cannot assign", n->name);
		status = exec_node(n->b, FORK_FIRST);
		if (loop_ends())
			break;
	}
	sh.loop_depth--;
	region_free(&r);
	return status;
}

static int exec_case(struct node *n, enum fork_mode mode)
{
	struct region r = { 0 };
	char *subject = expand_string(&r, n->words->parts);
	struct node *body = NULL;
	bool found = false;

	for (struct arm *arm = n->arms; arm && !found; arm = arm->next)
		for (struct word *w = arm->patterns; w && !found; w = w->next)
			if (fnmatch(expand_pattern(&r, w->parts), subject, 0) == 0) {
				found = true;
				body = arm->body;
			}
	region_free(&r);
	return body ? exec_node(body, mode) : 0;
}

static int exec_kind(struct node *n, enum fork_mode mode)
{
	switch (n->kind) {
	case NODE_SIMPLE:
		return exec_simple(n, mode);
	case NODE_PIPE:
		return exec_pipe(n, FOREGROUND);
	case NODE_AND:
	case NODE_OR:
		return exec_and_or(n, mode);
	case NODE_SEQ:
		exec_node(n->a, FORK_FIRST);
		return exec_node(n->b, mode);
	case NODE_BACKGROUND:
		return exec_background(n);
	case NODE_NOT:
		return !exec_condition(n->a);
	case NODE_SUBSHELL:
		return exec_subshell(n, mode);
	case NODE_GROUP:
		return exec_node(n->a, mode);
	case NODE_IF:
		return exec_if(n, mode);
	case NODE_WHILE:
	case NODE_UNTIL:
		return exec_while(n);
	case NODE_FOR:
		return exec_for(n);
	case NODE_CASE:
		return exec_case(n, mode);
	case NODE_FUNCTION:
		return exec_definition(n);
	}
	return 0;
}

/* A compound command with redirections of its own, in this process. */
static int exec_redirected(struct node *n)
{
	struct saved_fd *fds = redir_mark();
	int status = 2;

	if (redir_apply(n->redirs, REDIR_UNDONE))
		status = exec_kind(n, FORK_FIRST);
	redir_restore(fds);
	return status;
}

static bool counts_for_set_e(enum node_kind kind)
{
	return kind == NODE_SIMPLE || kind == NODE_PIPE || kind == NODE_SUBSHELL;
}

int exec_node(struct node *n, enum fork_mode mode)
{
	bool own_redirs;
	int status;

	if (sh.flow != FLOW_NONE)
		return sh.status;
	if (!n)
		return 0;
	if (interrupt_seen && sh.interactive)
		sh_abort_to_prompt();
	own_redirs = n->redirs && n->kind != NODE_SIMPLE && n->kind != NODE_SUBSHELL;
	status = own_redirs ? exec_redirected(n) : exec_kind(n, mode);
	if (sh.flow != FLOW_RETURN)
		sh.status = status;
	traps_run();
	if (status && sh.exit_on_error && !sh.condition_depth && counts_for_set_e(n->kind) &&
	    sh.flow == FLOW_NONE)
		sh_exit(status);
	return sh.flow == FLOW_RETURN ? sh.status : status;
}

/* ---- whole inputs ---- */

static void discard_line(struct input *in)
{
	in->pos = in->len;
	in->interrupted = false;
}

/* One command. False at the end of the input. */
static bool exec_next(struct input *in)
{
	struct region r = { 0 };
	struct node *tree;
	bool kept = tree_is_kept;

	input_start_command(in);
	enum parse_result result = parse_command(in, &r, &tree);
	if (in->interrupted) {
		fputc('\n', stderr);
		discard_line(in);
		interrupt_seen = 0;
		sh.status = 130;
	} else if (result == PARSE_END) {
		region_free(&r);
		return false;
	} else if (result == PARSE_ERROR) {
		sh.status = 2;
		if (!sh.interactive)
			sh_exit(2);
		discard_line(in);
	} else if (tree) {
		tree_is_kept = false;
		exec_node(tree, FORK_FIRST);
		kept |= tree_is_kept;
	}
	if (!tree_is_kept)
		region_free(&r);
	tree_is_kept = kept;
	return sh.flow == FLOW_NONE;
}

int exec_source(struct input *in)
{
	struct input *outer = sh.input;

	sh.input = in;
	do {
		if (in->prompts)
			jobs_report();
	} while (exec_next(in));
	sh.input = outer;
	return sh.status;
}

int exec_string(const char *source)
{
	struct input in;

	input_open_string(&in, source);
	int status = exec_source(&in);
	input_close(&in);
	return status;
}
