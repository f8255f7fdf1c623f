/* sync: everything dirty to the disk. */
#include <unistd.h>

int main(void)
{
	sync();
	return 0;
}
