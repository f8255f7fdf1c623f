# Path names from patterns
cd "$TMP"
touch a.c b.c main.h .hidden 'with space.txt' file1 file2 file10
mkdir -p dir/sub dir2; touch dir/x.c dir/y.h dir/sub/z.c
echo *.c
echo *.h *.none
echo file? file[12] file[!1] file[0-9][0-9]
echo */
echo dir/* dir/*/* d*/*.c
echo "*.c" '*.c' \*.c *".c"
for f in *.txt; do echo "<$f>"; done
echo .h*
x='*.c'; echo $x "$x"
echo [a]*.c [ab].c
set -f; echo *.c; set +f; echo *.c
case main.c in *.h) echo header;; *.[co]) echo source;; esac
echo dir//x*
