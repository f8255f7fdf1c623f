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
#include <string.h>
#include <unistd.h>

static bool tree_is_kept;               /* a function was defined in the region being run */

static int exec_definition(struct node *n)
{
	function_define(n->name, n->a);
	tree_is_kept = true;
	return 0;
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
	sh.substitution_status = sh.status = wait_for(pid);
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
			fields_add(&r, &values,
				region_strndup(&r, sh.params[i], strlen(sh.params[i])));
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
	if (interrupt_seen && sh.interactive) {
		sh.status = 130;
		sh_abort_to_prompt();
	}
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
		discard_line(in);
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
	if (interrupt_seen && in->prompts) {
		fputc('\n', stderr);
		interrupt_seen = 0;
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
