/*
 * The commands that must run inside the shell because they change it, and a few (echo, printf,
 * test) that are here for speed and share their code with the programs of the same name.
 */
#include "sh.h"
#include "util.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

static int true_builtin(int argc, char **argv)
{
	(void)argc, (void)argv;
	return 0;
}

static int false_builtin(int argc, char **argv)
{
	(void)argc, (void)argv;
	return 1;
}

/* ---- directories ---- */

static int cd_builtin(int argc, char **argv)
{
	const char *target = argc > 1 ? argv[1] : var_get("HOME");
	const char *old = var_get("PWD");
	char here[4096];
	bool show = target && !strcmp(target, "-");

	if (show)
		target = var_get("OLDPWD");
	if (!target) {
		sh_warn("cd: %s not set", show ? "OLDPWD" : "HOME");
		return 2;
	}
	if (chdir(target) < 0) {
		sh_warn("cd: %s: %s", target, strerror(errno));
		return 2;
	}
	var_set("OLDPWD", old ? old : "");
	if (getcwd(here, sizeof(here)))
		var_set("PWD", here);
	if (show)
		printf("%s\n", here);
	return 0;
}

static int pwd_builtin(int argc, char **argv)
{
	char here[4096];

	(void)argc, (void)argv;
	if (!getcwd(here, sizeof(here))) {
		sh_warn("pwd: %s", strerror(errno));
		return 1;
	}
	printf("%s\n", here);
	return 0;
}

static int umask_builtin(int argc, char **argv)
{
	mode_t old;

	if (argc > 1) {
		umask((mode_t)strtol(argv[1], NULL, 8));
		return 0;
	}
	old = umask(0);
	umask(old);
	printf("%04o\n", (unsigned int)old);
	return 0;
}

/* ---- variables ---- */

static bool is_exported(const struct var *v)
{
	return v->exported;
}

static bool is_readonly(const struct var *v)
{
	return v->readonly;
}

static bool is_set(const struct var *v)
{
	return v->value != NULL;
}

/* NAME or NAME=value: assign, then mark. */
static int declare(int argc, char **argv, void (*mark)(const char *name))
{
	int status = 0;

	for (int i = 1; i < argc; i++) {
		size_t len = strcspn(argv[i], "=");

		if (!is_name(argv[i], len)) {
			sh_warn("%s: %s: bad variable name", argv[0], argv[i]);
			status = 2;
			continue;
		}
		char *name = must(strndup(argv[i], len));
		if (argv[i][len] && !var_assign(argv[i]))
			status = 2;
		else
			mark(name);
		free(name);
	}
	return status;
}

static int export_builtin(int argc, char **argv)
{
	if (argc == 1 || !strcmp(argv[1], "-p")) {
		vars_print("export ", is_exported);
		return 0;
	}
	return declare(argc, argv, var_export);
}

static int readonly_builtin(int argc, char **argv)
{
	if (argc == 1 || !strcmp(argv[1], "-p")) {
		vars_print("readonly ", is_readonly);
		return 0;
	}
	return declare(argc, argv, var_readonly);
}

static int local_builtin(int argc, char **argv)
{
	if (!sh.function_depth) {
		sh_warn("local: not in a function");
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		char *name = must(strndup(argv[i], strcspn(argv[i], "=")));

		var_save(name);
		if (strchr(argv[i], '='))
			var_assign(argv[i]);
		free(name);
	}
	return 0;
}

static int unset_builtin(int argc, char **argv)
{
	bool functions = false;
	int status = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-f"))
			functions = true;
		else if (!strcmp(argv[i], "-v"))
			functions = false;
		else if (functions)
			function_unset(argv[i]);
		else if (!var_unset(argv[i]))
			status = 2;
	}
	return status;
}

static bool set_option(char letter, bool on)
{
	switch (letter) {
	case 'e':
		sh.exit_on_error = on;
		return true;
	case 'x':
		sh.trace = on;
		return true;
	case 'u':
		sh.no_unset = on;
		return true;
	case 'f':
		sh.no_glob = on;
		return true;
	}
	return false;
}

static void set_params(int count, char **values)
{
	/* The old ones may still be named by a caller; like function definitions, they stay. */
	char **copy = must(malloc((count + 1) * sizeof(char *)));

	for (int i = 0; i < count; i++)
		copy[i] = must(strdup(values[i]));
	copy[count] = NULL;
	sh.params = copy;
	sh.nr_params = count;
}

static int set_builtin(int argc, char **argv)
{
	int i = 1;

	if (argc == 1)
		vars_print("", is_set);
	for (; i < argc && (argv[i][0] == '-' || argv[i][0] == '+') && argv[i][1]; i++) {
		if (!strcmp(argv[i], "--")) {
			set_params(argc - i - 1, argv + i + 1);
			return 0;
		}
		for (char *p = argv[i] + 1; *p; p++)
			if (!set_option(*p, argv[i][0] == '-')) {
				sh_warn("set: -%c: no such option", *p);
				return 2;
			}
	}
	if (i < argc)
		set_params(argc - i, argv + i);
	return 0;
}

static int shift_builtin(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1;

	if (n < 0 || n > sh.nr_params) {
		sh_warn("shift: can't shift that many");
		return 2;
	}
	sh.params += n;
	sh.nr_params -= n;
	return 0;
}

/* ---- flow ---- */

static int leave_loops(int argc, char **argv, enum flow flow)
{
	int count = argc > 1 ? atoi(argv[1]) : 1;

	if (count < 1) {
		sh_warn("%s: %s: bad number", argv[0], argv[1]);
		return 2;
	}
	if (sh.loop_depth) {
		sh.flow = flow;
		sh.flow_count = count < sh.loop_depth ? count : sh.loop_depth;
	}
	return 0;
}

static int break_builtin(int argc, char **argv)
{
	return leave_loops(argc, argv, FLOW_BREAK);
}

static int continue_builtin(int argc, char **argv)
{
	return leave_loops(argc, argv, FLOW_CONTINUE);
}

static int return_builtin(int argc, char **argv)
{
	if (argc > 1)
		sh.status = atoi(argv[1]) & 255;
	sh.flow = FLOW_RETURN;
	return sh.status;
}

static int exit_builtin(int argc, char **argv)
{
	if (argc > 1 && strspn(argv[1], "0123456789") != strlen(argv[1])) {
		sh_warn("exit: %s: bad number", argv[1]);
		sh_exit(2);
	}
	sh_exit(argc > 1 ? atoi(argv[1]) & 255 : sh.status);
}

static int eval_builtin(int argc, char **argv)
{
	struct text source = { 0 };

	if (argc == 1)
		return 0;
	for (int i = 1; i < argc; i++) {
		if (i > 1)
			text_add(&source, ' ');
		text_add_string(&source, argv[i]);
	}
	int status = exec_string(source.data ? source.data : "");
	text_free(&source);
	return status;
}

static int dot_builtin(int argc, char **argv)
{
	struct input in;
	struct region r = { 0 };
	int status;

	if (argc < 2) {
		sh_warn(".: a file name is missing");
		return 2;
	}
	const char *path = argv[1];
	if (!strchr(path, '/') && access(path, R_OK) < 0) {
		char *found = path_search(&r, path);

		path = found ? found : path;
	}
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		sh_fatal("%s: cannot open: %s", argv[1], strerror(errno));
	int high = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	if (high >= 0) {
		close(fd);
		fd = high;
	}
	input_open_fd(&in, fd, argv[1]);
	sh.status = 0;
	status = exec_source(&in);
	if (sh.flow == FLOW_RETURN)
		sh.flow = FLOW_NONE;
	input_close(&in);
	region_free(&r);
	return status;
}

/* ---- what is a name ---- */

static bool describe(const char *name, bool verbose)
{
	static const char *const reserved[] = {
		"if", "then", "else", "elif", "fi", "while", "until", "do", "done", "for",
		"in", "case", "esac", "{", "}", "!",
	};
	struct region r = { 0 };
	const char *what = NULL;
	char *path = NULL;

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (!strcmp(name, reserved[i]))
			what = "a shell keyword";
	if (!what && function_find(name))
		what = "a shell function";
	if (!what && builtin_find(name))
		what = builtin_find(name)->special ? "a special shell builtin" : "a shell builtin";
	if (!what && (path = path_search(&r, name)) && access(path, X_OK) < 0)
		path = NULL;
	if (verbose && what)
		printf("%s is %s\n", name, what);
	else if (verbose && path)
		printf("%s is %s\n", name, path);
	else if (verbose)
		printf("%s: not found\n", name);
	else if (what || path)
		printf("%s\n", path ? path : name);
	bool found = what || path;
	region_free(&r);
	return found;
}

static int type_builtin(int argc, char **argv)
{
	int status = 0;

	for (int i = 1; i < argc; i++)
		if (!describe(argv[i], true))
			status = 127;
	return status;
}

/* command -v NAME; command NAME ARG...: not a function of that name. */
static int command_builtin(int argc, char **argv)
{
	if (argc > 2 && (!strcmp(argv[1], "-v") || !strcmp(argv[1], "-V")))
		return describe(argv[2], argv[1][1] == 'V') ? 0 : 127;
	if (argc < 2)
		return 0;
	const struct builtin *builtin = builtin_find(argv[1]);
	if (builtin && builtin->run)
		return builtin->run(argc - 1, argv + 1);
	pid_t pid = fork_subshell();
	if (pid == 0)
		exec_program(argv + 1);
	return wait_for(pid);
}

static const struct builtin builtins[] = {
	{ ":", true_builtin, true },
	{ ".", dot_builtin, true },
	{ "break", break_builtin, true },
	{ "continue", continue_builtin, true },
	{ "eval", eval_builtin, true },
	{ "exec", NULL, true },                 /* exec.c does it: its redirections stay */
	{ "exit", exit_builtin, true },
	{ "export", export_builtin, true },
	{ "readonly", readonly_builtin, true },
	{ "return", return_builtin, true },
	{ "set", set_builtin, true },
	{ "shift", shift_builtin, true },
	{ "trap", trap_builtin, true },
	{ "unset", unset_builtin, true },
	{ "[", test_run, false },
	{ "bg", bg_builtin, false },
	{ "cd", cd_builtin, false },
	{ "command", command_builtin, false },
	{ "echo", echo_run, false },
	{ "false", false_builtin, false },
	{ "fg", fg_builtin, false },
	{ "jobs", jobs_builtin, false },
	{ "local", local_builtin, true },
	{ "printf", printf_run, false },
	{ "pwd", pwd_builtin, false },
	{ "read", read_builtin, false },
	{ "test", test_run, false },
	{ "true", true_builtin, false },
	{ "type", type_builtin, false },
	{ "umask", umask_builtin, false },
	{ "wait", wait_builtin, false },
};

const struct builtin *builtin_find(const char *name)
{
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (!strcmp(builtins[i].name, name))
			return &builtins[i];
	return NULL;
}
