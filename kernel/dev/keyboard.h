#pragma once
/*
 * keyboard.h - the PS/2 keyboard, US layout: keys become bytes of the terminal, arrows and their
 * like ANSI sequences.
 */

// Looks for the controller and lets the keyboard interrupt; does nothing when there is none. After
// terminal_init.
void keyboard_init(void);
