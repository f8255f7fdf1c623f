#pragma once
/*
 * dev_memory.h - null, zero, full, random, urandom, kmsg.
 */

void memory_devices_add(void);
