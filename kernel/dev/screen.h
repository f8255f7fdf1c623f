#pragma once
/*
 * screen.h - the picture tube: VGA text or a linear framebuffer, shown as rows of characters.
 * Writers change cells in memory; a thread of its own draws what has changed, so that nobody waits
 * for video memory.
 */
#include "types.h"

// Finds the screen and clears it. After frames_init; before it and without a screen the others do
// nothing.
void screen_init(void);
void screen_start(void);                // the drawing thread; after the scheduler runs
bool screen_is_present(void);
void screen_size(u32 *rows, u32 *columns);

// Shows bytes of ASCII with \n \r \t \b and the ANSI sequences for cursor, erasing and colours. \n
// goes down only. Any context.
void screen_write(const char *text, size_t nr_bytes);
void screen_refresh(void);              // draws now what has changed
void screen_panic_begins(void);         // no locks any more; every write is drawn at once
