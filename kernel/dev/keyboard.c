/*
 * keyboard.c - the PS/2 keyboard behind the i8042, in scan code set 1, which the controller makes
 * of what the keyboard sends. Only the interrupt handler (on the first CPU) touches the state, so
 * there is no lock.
 */
#include "dev/keyboard.h"
#include "dev/terminal.h"
#include "kernel.h"
#include "lib/string.h"
#include "x86/insn.h"
#include "x86/irq.h"

#define DATA_PORT 0x60
#define STATUS_PORT 0x64
#define COMMAND_PORT 0x64
#define KEYBOARD_LINE 1
#define WAIT_LOOKS 10000
enum { STATUS_OUTPUT_FULL = 0x01, STATUS_INPUT_FULL = 0x02, STATUS_MOUSE = 0x20 };
enum { COMMAND_READ_CONFIG = 0x20, COMMAND_WRITE_CONFIG = 0x60, COMMAND_KEYBOARD_ON = 0xae, COMMAND_MOUSE_OFF = 0xa7 };
enum { CONFIG_KEYBOARD_INTERRUPT = 0x01, CONFIG_MOUSE_INTERRUPT = 0x02, CONFIG_KEYBOARD_OFF = 0x10,
       CONFIG_TRANSLATE = 0x40 };
enum { KEYBOARD_ENABLE = 0xf4 };
enum { CODE_EXTENDED = 0xe0, CODE_PAUSE = 0xe1, CODE_RELEASED = 0x80 };
enum { KEY_CONTROL = 0x1d, KEY_SHIFT_LEFT = 0x2a, KEY_SHIFT_RIGHT = 0x36, KEY_ALT = 0x38, KEY_CAPS = 0x3a };

static const char plain[] =
	"\0\x1b" "1234567890-=\x7f\t" "qwertyuiop[]\r\0" "asdfghjkl;'`\0\\" "zxcvbnm,./\0*\0 ";
static const char shifted[] =
	"\0\x1b" "!@#$%^&*()_+\x7f\t" "QWERTYUIOP{}\r\0" "ASDFGHJKL:\"~\0|" "ZXCVBNM<>?\0*\0 ";
static_assert(sizeof(plain) == sizeof(shifted) && sizeof(plain) == 0x3a + 1, "one byte a scan code up to space");

// Keys that send a sequence; with the prefix e0, or on the number pad without it.
static const struct { u8 code; char sequence[5]; } special[] = {
	{ 0x48, "\x1b[A" }, { 0x50, "\x1b[B" }, { 0x4d, "\x1b[C" }, { 0x4b, "\x1b[D" }, { 0x47, "\x1b[H" },
	{ 0x4f, "\x1b[F" }, { 0x52, "\x1b[2~" }, { 0x53, "\x1b[3~" }, { 0x49, "\x1b[5~" }, { 0x51, "\x1b[6~" },
};

static struct {
	bool is_shift, is_control, is_alt, is_caps, is_extended;
	u8 nr_to_skip;                  // rest of the pause key
} state;

static void type_special(u8 code)
{
	for (u32 i = 0; i < ARRAY_SIZE(special); i++)
		if (special[i].code == code)
			terminal_type(special[i].sequence, strlen(special[i].sequence));
}

static void type_key(u8 code)
{
	char text[2] = "\x1b";
	bool is_shift = state.is_shift;
	char c = code < sizeof(plain) ? plain[code] : 0;

	if (c >= 'a' && c <= 'z' && state.is_caps)
		is_shift = !is_shift;
	if (is_shift && c)
		c = shifted[code];
	if (!c) {
		type_special(code);
		return;
	}
	if (state.is_control && ((c >= '@' && c <= '_') || (c >= 'a' && c <= 'z')))
		c &= 0x1f;
	else if (state.is_control && c == ' ')
		c = 0;
	text[1] = c;
	terminal_type(state.is_alt ? text : text + 1, state.is_alt ? 2 : 1);
}

// Shift and its like. True: it was one.
static bool set_modifier(u8 code, bool is_down)
{
	if ((code == KEY_SHIFT_LEFT || code == KEY_SHIFT_RIGHT) && !state.is_extended)
		state.is_shift = is_down;
	else if (code == KEY_CONTROL)
		state.is_control = is_down;
	else if (code == KEY_ALT)
		state.is_alt = is_down;
	else if (code == KEY_CAPS)
		state.is_caps ^= is_down;
	else
		return (code == KEY_SHIFT_LEFT || code == KEY_SHIFT_RIGHT);     // e0 2a: filling around arrows
	return true;
}

static void take_code(u8 byte)
{
	u8 code = byte & (u8)~CODE_RELEASED;
	bool is_down = !(byte & CODE_RELEASED);

	if (state.nr_to_skip) {
		state.nr_to_skip--;
		return;
	}
	if (byte == CODE_EXTENDED || byte == CODE_PAUSE) {
		state.is_extended = byte == CODE_EXTENDED;
		state.nr_to_skip = byte == CODE_PAUSE ? 2 : 0;
		return;
	}
	if (!set_modifier(code, is_down) && is_down) {
		if (!state.is_extended)
			type_key(code);
		else if (code == 0x1c || code == 0x35)  // Enter and / of the number pad
			terminal_type(code == 0x1c ? "\r" : "/", 1);
		else
			type_special(code);
	}
	state.is_extended = false;
}

static void interrupt(void *unused)
{
	u8 status;

	(void)unused;
	while ((status = port_in8(STATUS_PORT)) & STATUS_OUTPUT_FULL) {
		u8 byte = port_in8(DATA_PORT);

		if (!(status & STATUS_MOUSE))
			take_code(byte);
	}
}

/* --- the controller --------------------------------------------------------- */

static bool wait_status(u8 mask, u8 wanted)
{
	for (u32 i = 0; i < WAIT_LOOKS; i++)
		if ((port_in8(STATUS_PORT) & mask) == wanted)
			return true;
	return false;
}

static bool command(u8 byte)
{
	if (!wait_status(STATUS_INPUT_FULL, 0))
		return false;
	port_out8(COMMAND_PORT, byte);
	return true;
}

static bool send(u8 byte)
{
	if (!wait_status(STATUS_INPUT_FULL, 0))
		return false;
	port_out8(DATA_PORT, byte);
	return true;
}

static void throw_away_input(void)
{
	for (u32 i = 0; i < 64 && port_in8(STATUS_PORT) & STATUS_OUTPUT_FULL; i++)
		(void)port_in8(DATA_PORT);
}

// Keyboard interrupts on, the mouse off, set 1. False: there is no controller.
static bool set_up_controller(void)
{
	u8 config;

	if (port_in8(STATUS_PORT) == 0xff)
		return false;
	throw_away_input();
	if (!command(COMMAND_MOUSE_OFF) || !command(COMMAND_READ_CONFIG) ||
	    !wait_status(STATUS_OUTPUT_FULL, STATUS_OUTPUT_FULL))
		return false;
	config = port_in8(DATA_PORT);
	config |= CONFIG_KEYBOARD_INTERRUPT | CONFIG_TRANSLATE;
	config &= (u8)~(CONFIG_MOUSE_INTERRUPT | CONFIG_KEYBOARD_OFF);
	if (!command(COMMAND_WRITE_CONFIG) || !send(config) || !command(COMMAND_KEYBOARD_ON) || !send(KEYBOARD_ENABLE))
		return false;
	(void)wait_status(STATUS_OUTPUT_FULL, STATUS_OUTPUT_FULL);      // its acknowledgement
	throw_away_input();
	return true;
}

void keyboard_init(void)
{
	int error;

	if (!set_up_controller())
		return;
	error = irq_enable_isa(KEYBOARD_LINE, interrupt, NULL);
	if (error)
		printk("keyboard: no interrupt, error %d\n", error);
	else
		throw_away_input();             // a byte that came before the interrupt was connected would block it
}
