// The parts of a path. dirname changes its argument.
#pragma once

char *dirname(char *path);
char *__xpg_basename(char *path);
