// The interrupted state that a signal handler gets as its third argument.
#pragma once

#include <signal.h>
