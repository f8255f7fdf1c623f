// What is known about a file system.
#pragma once

#include <abi/statfs.h>

int statfs(const char *path, struct statfs *fs);
int fstatfs(int fd, struct statfs *fs);
