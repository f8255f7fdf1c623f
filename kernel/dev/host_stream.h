#pragma once
/*
 * host_stream.h - /dev/host: COM1 as a plain stream of bytes, for a program whose input and output
 * belong to the host (stdio=host on the command line). No echo, no newlines added, no signals.
 *
 * From the host: DLE (0x10) comes as DLE DLE; DLE 'E' is the end of input. To the host: bytes as
 * they are.
 */
#include "types.h"

struct file_ops;
extern const struct file_ops host_stream_ops;

bool host_stream_is_on(void);           // COM1 is the host's, not the terminal's
void host_stream_init(void);            // takes COM1 when it is on
void host_stream_drain(void);           // returns when everything written is out; before power-off
