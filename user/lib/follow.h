/*
 * follow.h - runs a program and shows what the kernel's log of something says of it and its children meanwhile.
 */
#pragma once
#include <stdbool.h>

/*
 * Every line of `log` reads: sequence, time, pid, rest. prepare runs in the child before exec (may be NULL);
 * show gets the rest of each line that is about the program or a descendant; shows_pid once there was more than
 * one process. Returns the exit status for the caller: the program's, or 128 + the signal that killed it.
 */
int follow_program(char **argv, const char *log, void (*prepare)(void),
		   void (*show)(char *rest, int pid, bool shows_pid));
