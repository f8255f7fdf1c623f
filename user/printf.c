/* printf format [argument ...] */
#include "util.h"

int main(int argc, char **argv)
{
	return printf_run(argc, argv);
}
