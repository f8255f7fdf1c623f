# gcc, make: from the source to a running program, linked dynamically and statically.
cat > hello.c << 'END'
#include <math.h>
#include <stdio.h>
int main(int argc, char **argv)
{
	printf("hello from %s, %.3f\n", argv[0], sqrt(argc + 1));
	return 7;
}
END
printf 'hello: hello.o\n\tgcc -o hello hello.o -lm\nhello.o: hello.c\n\tgcc -O2 -Wall -c hello.c\n' > Makefile
make; ./hello; echo $?
make
gcc -static -pipe -g -o static hello.c -lm; ./static one; echo $?
touch -d '2030-01-01' hello.c; make -s 2> /dev/null; nm hello | grep -c ' T main'
objdump -d hello.o | md5sum; ar rcs lib.a hello.o; ar t lib.a; strip hello; ./hello
echo 'int main(void) { return x; }' > wrong.c; gcc -c wrong.c; echo $?
gcc -fsyntax-only -x c - <<< 'int f(void) { return 1; }'; echo $?
