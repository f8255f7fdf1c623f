/* test expression: also runs as [ when called by that name. */
#include "util.h"

int main(int argc, char **argv)
{
	return test_run(argc, argv);
}
