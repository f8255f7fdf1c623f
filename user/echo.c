/* echo [-n] [-e] [word ...] */
#include "util.h"

int main(int argc, char **argv)
{
	return echo_run(argc, argv);
}
