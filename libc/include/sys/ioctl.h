// Requests to devices.
#pragma once

#include <abi/ioctl.h>
#include <abi/termios.h>

int ioctl(int fd, unsigned long request, ...);
