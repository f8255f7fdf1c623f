/* clear: an empty screen, the cursor at its top. */
#include "util.h"
#include <stdio.h>

int main(void)
{
	fputs("\033[H\033[2J", stdout);
	return finish_output();
}
